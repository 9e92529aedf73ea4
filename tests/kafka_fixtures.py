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
from streams.topics import EVENTS, SHARES, TopicSpec

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


@pytest.fixture
def share_topic(cluster: Cluster) -> TopicSpec:
    """An empty topic such as crm.marketing.v1."""
    return create_topic(cluster, SHARES["marketing"])


def create_events_topic(cluster: Cluster) -> TopicSpec:
    return create_topic(cluster, EVENTS)


def create_topic(cluster: Cluster, like: TopicSpec) -> TopicSpec:
    spec = replace(like, name=f"{like.name}.test{next(_numbers)}")
    ensure_topics(cluster, [spec])
    return spec
