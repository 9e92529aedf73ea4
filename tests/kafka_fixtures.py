"""One Kafka for the whole run, a topic of its own for each test that asks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.kafka.admin import ensure_topics
from adapters.kafka.broker import KafkaBroker
from adapters.kafka.cluster import Cluster
from adapters.kafka.jars import resolve_jars
from streams.topics import EVENTS, TopicSpec

POM = Path(__file__).parents[1] / "deploy" / "kafka" / "pom.xml"
JARS = POM.parent / "jars"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Those who kill or pause a broker start their own."""
    resolve_jars(POM, JARS)
    with KafkaBroker(tmp_path_factory.mktemp("kafka") / "home", JARS) as broker:
        yield broker


@pytest.fixture
def cluster(kafka: KafkaBroker) -> Cluster:
    return Cluster(kafka.bootstrap)


@pytest.fixture
def events_topic(cluster: Cluster) -> TopicSpec:
    """An empty topic such as crm.events.v1."""
    return create_events_topic(cluster)


def create_events_topic(cluster: Cluster) -> TopicSpec:
    spec = replace(EVENTS, name=f"crm.events.test{next(_numbers)}")
    ensure_topics(cluster, [spec])
    return spec
