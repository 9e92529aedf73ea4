"""The API over an installation: its parts put together, and served."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version

import structlog

from adapters.http.access_log import AccessLog, note_opened
from adapters.http.api_keys import ApiKeys, TeamOf
from adapters.http.app import make_app
from adapters.http.issuer_keys import IssuerKeys
from adapters.http.leaving import Leaving
from adapters.http.live import LiveTopics
from adapters.http.metrics import Metrics
from adapters.http.oidc import Bearers, OidcTokens, Trust
from adapters.http.parts import Limits, Parts, Webhooks
from adapters.http.principal import Authenticate
from adapters.http.server import listen, serve
from adapters.http.workers import Workers
from adapters.importers.background import Imports
from adapters.importers.spool import Spool
from adapters.postgres.key_purposes import PostgresKeyPurposes
from adapters.postgres.libpq import Connection
from adapters.postgres.pages import PostgresPages
from adapters.postgres.progress import LeaderSession
from deploy import import_process
from deploy.processors import keep_to
from deploy.readings import read
from deploy.settings import Settings
from deploy.wiring import Installation, now
from domain.errors import UnavailableError
from domain.ports import Ledger
from projections.disclosure import Disclosure
from projections.teams import LARGEST_TEAM, team_of
from streams.webhooks.endpoints import endpoint_in

log = structlog.get_logger("relato")


def parts_of(installation: Installation) -> Parts:
    """What is opened here is closed with the installation."""
    settings, ledger = installation.settings, installation.ledger
    workers = installation.keep(Workers(settings.api_threads))
    keys = installation.keep(PostgresKeyPurposes(installation.databases.keys))

    pages = installation.keep(PostgresPages(installation.databases.ledger, settings.zone))
    team_of_one = partial(team_of, partial(pages.read, limit=LARGEST_TEAM))
    of_grant = cache(partial(Disclosure, installation.vault, keys, on_opened=note_opened))

    return Parts(
        executor=installation.executor,
        vault=installation.vault,
        log=ledger,
        attachments=installation.attachments,
        contents=installation.contents,
        imports=_imports_of(installation),
        identities=installation.identities,
        pages=pages,
        feeds=installation.deliveries,
        webhooks=Webhooks(installation.webhooks, partial(endpoint_in, ledger), installation.webhook_signer.shown),
        intake=installation.intake,
        mending=installation.mending,
        disclosure=lambda _, grant: of_grant(grant),
        access_log=AccessLog(installation.access_log, keys.persons, workers),
        authenticate=Leaving(_authenticate(settings, ledger, workers, team_of_one), ledger, workers),
        workers=workers,
        faults=lambda: _faults(installation),
        limits=_limits_of(settings),
        metrics=_metrics_of(installation),
        loopback_reads_metrics=settings.metrics == "loopback",
        logs_requests=settings.log_requests,
        tracing=installation.tracing,
        open_news=partial(_open_news, installation.databases.ledger, "ledger"),
        open_feed_news=partial(_open_news, installation.databases.ledger, "feeds"),
        live=_live_of(installation),
        open_topics=installation.open_topics,
        cors_origins=settings.cors_origins,
        version=version("relato"),
    )


def _live_of(installation: Installation) -> LiveTopics | None:
    settings = installation.settings
    if settings.kafka is None:
        return None
    from adapters.kafka.live_topics import KafkaLive  # noqa: PLC0415 loads Kafka's client
    from deploy.kafka_parts import cluster_of  # noqa: PLC0415 as above

    return installation.keep(KafkaLive(partial(cluster_of, settings), settings.rules.late))


def _authenticate(settings: Settings, ledger: Ledger, workers: Workers, team_of_one: TeamOf) -> Authenticate:
    keys = ApiKeys(ledger, workers, now, team_of_one)
    if not settings.oidc_issuer:
        return keys
    trust = Trust(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_roles,
        settings.oidc_roles_claim,
        settings.oidc_acts_as_claim,
    )
    return Bearers(keys, OidcTokens(trust, IssuerKeys(trust.issuer), workers, now, team_of_one))


def _imports_of(installation: Installation) -> Imports:
    """What a server that was killed left behind goes."""
    settings = installation.settings
    lead = partial(import_process.lead_imports, installation.databases.ledger)
    imports = Imports(Spool(settings.home.absolute() / "imports"), partial(import_process.start, settings), lead)
    imports.tidy()
    return installation.keep(imports)


def _open_news(dsn: str, channel: str) -> LeaderSession:
    session = LeaderSession(dsn, "relato api")
    session.listen(channel)
    return session


def _limits_of(settings: Settings) -> Limits:
    limits = Limits()
    limits.requests_per_s = settings.requests_per_s
    limits.failures_per_minute = settings.failures_per_minute
    limits.attachment_bytes = settings.attachment_bytes
    limits.attachment_types = settings.attachment_types
    limits.import_bytes = settings.import_bytes
    return limits


def _metrics_of(installation: Installation) -> Metrics:
    metrics = Metrics()
    metrics.read_from(partial(read, installation))
    installation.ledger.watch_groups(metrics.count_group)
    return metrics


def _faults(installation: Installation) -> Sequence[str]:
    """Asked of the parts themselves: the ledger answers, the key database does, and another session can be had."""
    found: list[str] = []
    asked: Mapping[str, Callable[[], object]] = {
        "ledger": installation.ledger.last_position,
        "keys": lambda: installation.vault.erased([]),
        "sessions": lambda: Connection(installation.databases.ledger).close(),  # one more can be had
    }
    for name, ask in asked.items():
        try:
            ask()
        except UnavailableError as error:
            found.append(f"{name}: {error}")
    return found


def _spare_collections() -> None:
    """What was loaded stays, and requests leave no cycles behind: looking for them often costs a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def run(settings: Settings, stop: threading.Event) -> None:
    """The port is taken before anything is opened, so that a taken one is told at once."""
    listener = listen(settings.host, settings.port)
    with listener, Installation(settings, part="api") as installation:
        serve_over(installation, listener, stop, lambda: _tell(listener))


def serve_over(
    installation: Installation, listener: socket.socket, stop: threading.Event, on_ready: Callable[[], None]
) -> None:
    parts = parts_of(installation)
    api = make_app(parts)
    _spare_collections()
    if installation.settings.api_cpu is not None:
        keep_to(installation.settings.api_cpu)  # not before: a database of ours that was started runs where it likes
    serve(api, listener, stop, on_ready, parts.streams.end)


def _tell(listener: socket.socket) -> None:
    host, port, *_ = listener.getsockname()
    log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")
