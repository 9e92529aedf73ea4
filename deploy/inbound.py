"""Partners' inbound topics: read by one worker, each event given to the intake of the installation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from adapters.kafka.inbound import KafkaInbound
from adapters.postgres.inbound_desk import PostgresReaderDesk
from deploy.kafka_parts import cluster_of
from deploy.wiring import Installation
from streams.inbound.reader import From, InboundReader
from streams.topics import inbound_topic


def reader_of(installation: Installation) -> InboundReader:
    """Raises NoKafkaError."""
    cluster = cluster_of(installation.settings)
    desk = PostgresReaderDesk(installation.databases.ledger)
    return InboundReader(desk, installation.intake, partial(_whose, installation), partial(KafkaInbound, cluster))


def _whose(installation: Installation) -> Mapping[str, From]:
    """By its name, each topic that is open."""
    bindings = installation.partner_topics.bindings()
    return {inbound_topic(one.name).name: From(one.feed, one.partner) for one in bindings}
