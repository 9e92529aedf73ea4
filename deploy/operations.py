"""The parts of an installation as they run: all in one terminal, or one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

import structlog

from deploy.doors import doors_of
from deploy.log_files import LogFiles
from deploy.logs import configure_logs
from deploy.opening import LateOpening
from deploy.processes import Child, Server, environment_of, stop_with_parent, supervise
from deploy.settings import EMBEDDED, Settings
from deploy.wiring import Installation
from domain.errors import RelatoError
from projections.catalogue import services
from projections.engine.readmodel import Service
from projections.engine.sources import Log
from projections.engine.worker import run as fold
from streams.topics import EVENTS, SHARES

log = structlog.get_logger("relato")
Tell = Callable[[str], None]


def up(settings: Settings, tell: Tell, stop: threading.Event) -> None:
    with Installation(settings) as installation, ExitStack() as stack:
        _ = installation.vault  # makes the databases and the master key before the children ask for them
        where = "the one given" if settings.database else settings.home.absolute() / "postgres"
        tell(f"PostgreSQL is ready ({where})")
        servers = [Server("PostgreSQL", installation.server.keep_running)] if installation.server else []
        kafka = _prepare_kafka(settings, servers, stack, tell)
        logs = LogFiles(settings.home.absolute())
        supervise([*servers, logs], _children(settings, kafka, tell), tell, stop)
        tell("stopping")


def _prepare_kafka(settings: Settings, servers: list[Server], stack: ExitStack, tell: Tell) -> str | None:
    if settings.kafka is None:
        return None
    from deploy import kafka_parts  # noqa: PLC0415 loads Kafka's client

    if settings.kafka == EMBEDDED:
        broker = kafka_parts.start_broker(settings)
        stack.callback(broker.stop)
        servers.append(Server("Kafka", partial(kafka_parts.keep_running, broker)))
    cluster = kafka_parts.cluster_of(settings)
    kafka_parts.prepare_topics(cluster)
    tell(f"Kafka is ready ({cluster.servers})")
    return cluster.servers


def _children(settings: Settings, kafka: str | None, tell: Tell) -> Sequence[Child]:
    given = {
        "RELATO_HOME": str(settings.home.absolute()),
        "RELATO_DATABASE": settings.database,
        "RELATO_KAFKA": kafka,
        "RELATO_HOST": settings.host,
        "RELATO_PORT": str(settings.port),
    }
    environment = environment_of({name: value for name, value in given.items() if value})
    logs = settings.home.absolute() / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    names = [service.name for service in services(settings.zone, LateOpening())]
    folds = [(f"folds {name}", ["folds", "--service", name]) for name in names]
    wanted = [
        *(_relays() if kafka else ()),
        *folds,
        *([("streams", ["streams"]), ("inbound", ["inbound"])] if kafka else ()),
        ("actors", ["actors"]),
        ("webhooks", ["webhooks"]),
        ("api", ["api"]),
    ]
    tell(f"starting {', '.join(name for name, _ in wanted)}; their logs are in {logs}")
    where = f"http://{settings.host}:{settings.port}/docs" if settings.port else f"see {logs / 'api.log'}"
    tell(f"the API: {where}")
    return [Child(name, arguments, environment, logs) for name, arguments in wanted]


def _relays() -> Sequence[tuple[str, Sequence[str]]]:
    """The ledger's has a process of its own: everything waits for it."""
    shares = [word for share in SHARES.values() for word in ("--topic", share.name)]
    return [
        ("relay", ["relay", "--topic", EVENTS.name]),
        ("relay departments", ["relay", *shares]),
        ("relay partners", ["partner-topics"]),
    ]


def run_relay(settings: Settings, topics: Sequence[str], stop: threading.Event) -> None:
    """Each topic in a thread of its own; all of them unless some are named. When one fails, all stop."""
    from deploy import kafka_parts  # noqa: PLC0415 loads Kafka's client

    _begin("relay", stop)
    with Installation(settings, part="relay") as installation:
        dsn, tracing = installation.databases.ledger, installation.tracing
        wanted = topics or [EVENTS.name, *(share.name for share in SHARES.values())]
        relays = [kafka_parts.relay_of(settings, dsn, topic, tracing=tracing) for topic in wanted]
        _run_together([partial(relay.run, stop) for relay in relays], stop)


def run_partner_topics(settings: Settings, stop: threading.Event) -> None:
    """Each topic in a thread of its own; one that fails is told, and the others go on."""
    from deploy import kafka_parts, partner_topics  # noqa: PLC0415 loads Kafka's client

    _begin("partner topics", stop)
    kafka_parts.cluster_of(settings)  # said at once where there is none
    with Installation(settings, part="partner topics") as installation:
        partner_topics.relays(installation).run(stop)


def run_folds(settings: Settings, names: Sequence[str], stop: threading.Event) -> None:
    """Each service in a thread of its own; when one fails, all stop and the failure is raised."""
    _begin("folds", stop)
    opening = LateOpening()
    wanted = [service for service in services(settings.zone, opening) if not names or service.name in names]
    with Installation(settings, part="folds") as installation:
        opening.use(installation)
        open_log: Callable[[], Log] = installation.open_log
        if settings.kafka:
            from deploy import kafka_parts  # noqa: PLC0415 loads Kafka's client

            cluster = kafka_parts.cluster_of(settings)
            open_log = partial(kafka_parts.open_log, cluster, installation.databases.ledger)
        _run_together([_fold_of(installation, service, open_log, stop) for service in wanted], stop)


def _fold_of(
    installation: Installation, service: Service, open_log: Callable[[], Log], stop: threading.Event
) -> Callable[[], None]:
    tracing = installation.tracing
    watch = partial(tracing.tell_folded, service.name) if tracing else None
    connect = partial(installation.connect, service.name)
    return partial(fold, service, connect=connect, open_log=open_log, stop=stop, watch=watch)


def run_actors(settings: Settings, stop: threading.Event) -> None:
    _begin("actors", stop)
    with Installation(settings, part="actors") as installation, ExitStack() as stack:
        on_signed: Callable[[str], None] | None = None
        if settings.kafka:
            from deploy import kafka_parts  # noqa: PLC0415 loads Kafka's client

            notes = kafka_parts.notes_of(settings)
            stack.callback(notes.close)
            on_signed = partial(_publish, notes.publish)
        checkpointer = partial(installation.checkpointer.run, stop, on_signed)
        _run_together(
            [
                *(partial(installation.eraser.run, stop), partial(installation.feed_actor.run, stop)),
                partial(installation.feed_closer(doors_of(installation)).run, stop),
                *(checkpointer, partial(installation.access_checkpointer.run, stop)),
                partial(installation.sweeper.run, stop),
            ],
            stop,
        )


def run_webhooks(settings: Settings, stop: threading.Event) -> None:
    from deploy import webhooks  # noqa: PLC0415 loads the HTTP client

    _begin("webhooks", stop)
    with Installation(settings, part="webhooks") as installation:
        webhooks.worker_of(installation).run(stop)


def run_inbound(settings: Settings, stop: threading.Event) -> None:
    from deploy import inbound  # noqa: PLC0415 loads Kafka's client

    _begin("inbound", stop)
    with Installation(settings, part="inbound") as installation:
        inbound.reader_of(installation).run(stop)


def run_api(settings: Settings, stop: threading.Event) -> None:
    from deploy import api  # noqa: PLC0415 loads FastAPI

    _begin("api", stop)
    api.run(settings, stop)


def _begin(part: str, stop: threading.Event) -> None:
    configure_logs()
    stop_with_parent(stop)
    log.info("started", part=part)


def _publish(publish: Callable[[str], None], note: str) -> None:
    """A note that Kafka did not take is followed by the next one, which covers more: its faults stop no erasure."""
    try:
        publish(note)
    except RelatoError as error:
        log.warning("checkpoint not published", reason=str(error))


def _run_together(parts: Sequence[Callable[[], None]], stop: threading.Event) -> None:
    failures: list[BaseException] = []

    def run(part: Callable[[], None]) -> None:
        try:
            part()
        except BaseException as error:  # noqa: BLE001 it is raised where the parts were started
            failures.append(error)
        finally:
            stop.set()

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def republish(settings: Settings, topic: str) -> None:
    from deploy import kafka_parts, partner_topics  # noqa: PLC0415 loads Kafka's client

    with Installation(settings) as installation:
        if partner_topics.republish(installation, topic):
            return
        kafka_parts.republish(settings, topic, installation.databases.ledger)
