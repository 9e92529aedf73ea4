"""What is made of Kafka: a broker of our own where none is given, the relay, and the folds' source."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from adapters.cli.installation import Subscriber
from adapters.documents.contents import OpenTopics
from adapters.kafka import partners, subscribers
from adapters.kafka.admin import ensure_topics, recreate_topic
from adapters.kafka.broker import KafkaBroker
from adapters.kafka.broker_errors import BrokerNotRunningError
from adapters.kafka.cluster import Cluster
from adapters.kafka.jars import resolve_jars
from adapters.kafka.notes import KafkaNotes
from adapters.kafka.share_reader import ShareReader
from adapters.kafka.source import KafkaSource
from adapters.kafka.topic import KafkaTopic
from adapters.postgres.lane import PostgresLane
from adapters.postgres.ledger_source import LedgerSource
from adapters.postgres.share_lane import ShareLane
from adapters.tracing.tracing import Tracing
from deploy.settings import EMBEDDED, Settings
from domain.errors import InvalidError, RelatoError
from domain.event import Event
from projections.engine.sources import Mended, Passed
from streams import relay
from streams.departments import DEPARTMENTS, Department
from streams.envelope import Outgoing, decode_wanted, identify
from streams.shares import Share, decode_share, encoder_of, identify_share
from streams.tails import Held
from streams.topics import (
    CHECKPOINTS,
    EVENTS,
    PARTNER,
    SHARES,
    TOPICS,
    TopicSpec,
    inbound_topic,
    partner_topic,
)

KAFKA = Path(__file__).with_name("kafka")


class NoKafkaError(RelatoError):
    """No Kafka is in use; set RELATO_KAFKA=embedded beside `relato up --kafka`, or else RELATO_KAFKA=HOST:PORT."""


class NoCredentialsError(RelatoError):
    """Kafka is to be told who we are; set RELATO_KAFKA_USER and RELATO_KAFKA_PASSWORD."""


class KafkaTrustError(RelatoError):
    """RELATO_KAFKA_CA_FILE has no certificates that can be read."""


class UnpublishedError(InvalidError):
    """The topic is not published from the ledger; crm.events.v1, the departments' and open partners' topics are."""


class KafkaLog(Mended):
    """The topic, mended from a ledger session that ends with it."""

    def __init__(self, source: KafkaSource[Event | Passed], ledger: LedgerSource) -> None:
        super().__init__(source, ledger)
        self._session = ledger

    def close(self) -> None:
        super().close()
        self._session.close()


def broker_of(settings: Settings) -> KafkaBroker:
    return KafkaBroker(settings.home.absolute() / "kafka", jars_of(settings), template=KAFKA / "server.properties")


def jars_of(settings: Settings) -> Path:
    ours = KAFKA / "jars"
    return settings.kafka_jars or (ours if ours.exists() else settings.home.absolute() / "kafka-jars")


def start_broker(settings: Settings) -> KafkaBroker:
    """Fetches the jars once, and starts the broker unless it runs."""
    resolve_jars(KAFKA / "pom.xml", jars_of(settings))
    broker = broker_of(settings)
    broker.start()
    return broker


def keep_running(broker: KafkaBroker) -> bool:
    """Starts it again when it has ended; answers whether it had."""
    has_ended = not broker.is_running
    if has_ended:
        broker.start()
    return has_ended


def cluster_of(settings: Settings) -> Cluster:
    """Raises NoKafkaError, or BrokerNotRunningError when the embedded one doesn't run."""
    if settings.kafka is None:
        raise NoKafkaError
    if settings.kafka == EMBEDDED:
        return Cluster(broker_of(settings).bootstrap)
    return Cluster(settings.kafka, security_of(settings))


def security_of(settings: Settings) -> Mapping[str, str]:
    """Who we are to a Kafka that is given, as kafka-python's settings. Raises NoCredentialsError, KafkaTrustError."""
    protocol, password = settings.kafka_protocol, settings.kafka_password
    found: dict[str, str] = {"security_protocol": protocol}
    if protocol.startswith("SASL"):
        if settings.kafka_user is None or password is None:
            raise NoCredentialsError(protocol=protocol)
        found["sasl_mechanism"] = settings.kafka_mechanism
        found |= {"sasl_plain_username": settings.kafka_user, "sasl_plain_password": password.get_secret_value()}
    if protocol.endswith("SSL") and settings.kafka_ca_file:
        found["ssl_cafile"] = str(settings.kafka_ca_file)
        try:
            ssl.create_default_context(cafile=found["ssl_cafile"])
        except OSError as error:
            raise KafkaTrustError(file=settings.kafka_ca_file) from error
    return found


def prepare_topics(cluster: Cluster) -> None:
    ensure_topics(cluster, TOPICS)


def open_log(kafka: Cluster | str, dsn: str) -> KafkaLog:
    cluster = Cluster(kafka) if isinstance(kafka, str) else kafka
    return KafkaLog(KafkaSource(cluster, EVENTS, decode=decode_wanted), LedgerSource(dsn, listen=False))


def lane_of(settings: Settings, dsn: str) -> PostgresLane[Outgoing]:
    return PostgresLane(dsn, topic=EVENTS.name, source=f"/relato/{settings.installation}", record=Outgoing)


def share_lane_of(settings: Settings, dsn: str, department: Department) -> ShareLane[Outgoing]:
    spec, encode = SHARES[department.name], encoder_of(department, f"/relato/{settings.installation}")
    return ShareLane(dsn, topic=spec.name, types=department.stored_types, partitions=spec.partitions, encode=encode)


def relay_of(settings: Settings, dsn: str, topic: str = EVENTS.name, *, tracing: Tracing | None = None) -> relay.Relay:
    """Raises UnpublishedError."""
    spec, watch = _published(topic), partial(tracing.watch_sent, topic) if tracing else None
    is_whole = spec is EVENTS
    told_by = identify if is_whole else identify_share
    kafka: KafkaTopic[Held] = KafkaTopic(cluster_of(settings), spec, identify=told_by, is_dense=is_whole, watch=watch)
    return relay.Relay(_lane_to(settings, dsn, spec), kafka)


def _published(topic: str) -> TopicSpec:
    for spec in (EVENTS, *SHARES.values()):
        if spec.name == topic:
            return spec
    raise UnpublishedError(topic=topic)


def _lane_to(settings: Settings, dsn: str, spec: TopicSpec) -> relay.Lane:
    if spec is EVENTS:
        return lane_of(settings, dsn)
    [department] = (DEPARTMENTS[name] for name, share in SHARES.items() if share is spec)
    return share_lane_of(settings, dsn, department)


def share_of(settings: Settings, department: str, after: int) -> ShareReader[Share]:
    return ShareReader(cluster_of(settings), SHARES[department], decode_share, after=after)


def list_subscribers(settings: Settings) -> Sequence[Subscriber]:
    found = subscribers.list_subscribers(cluster_of(settings), [spec.name for spec in TOPICS], PARTNER)
    return [Subscriber(*one) for one in found]


def notes_of(settings: Settings) -> KafkaNotes:
    return KafkaNotes(cluster_of(settings), CHECKPOINTS)


def republish(settings: Settings, topic: str, dsn: str) -> None:
    """Raises UnpublishedError."""
    spec, cluster = _published(topic), cluster_of(settings)
    lane = _lane_to(settings, dsn, spec)
    try:
        relay.republish(lane, partial(recreate_topic, cluster, spec))
    finally:
        lane.close()


def told_topics(settings: Settings, name: str) -> OpenTopics:
    """A partner's, as it was told of them; without the address where this process knows of no Kafka, or none runs."""
    try:
        address = partners_address(settings)
    except BrokerNotRunningError:
        address = {}
    own = {**address, **partners.client_settings(name)}
    return OpenTopics(partner_topic(name), inbound_topic(name), own, partners.group_prefix_of(name))


def partners_address(settings: Settings) -> dict[str, str]:
    """Where partners come in."""
    if _is_embedded(settings):
        return {"bootstrap.servers": broker_of(settings).partners_bootstrap, "security.protocol": "SASL_PLAINTEXT"}
    servers = settings.kafka_partners or settings.kafka or ""
    return {"bootstrap.servers": servers, "security.protocol": settings.kafka_partners_protocol}


def _is_embedded(settings: Settings) -> bool:
    broker = broker_of(settings)
    return settings.kafka == EMBEDDED or (broker.is_running and settings.kafka == broker.bootstrap)
