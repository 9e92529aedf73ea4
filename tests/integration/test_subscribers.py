"""Who follows a topic as a consumer group, and how far they are behind."""

from __future__ import annotations

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from adapters.kafka.cluster import Cluster
from adapters.kafka.subscribers import Subscriber, list_subscribers
from adapters.postgres.ledger import PostgresLedger
from streams.topics import TopicSpec
from tests.conftest import Databases
from tests.relaying import Relaying, append, read_shares

pytestmark = pytest.mark.kafka


def test_a_group_is_named_with_what_it_has_not_confirmed(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, share_topic: TopicSpec
) -> None:
    append(ledger, 60)
    with Relaying(databases.app, cluster, share_topic, is_share=True) as relaying:
        relaying.await_position(60)
    assert list_subscribers(cluster, [share_topic.name]) == []
    sizes = {partition: len(shares) for partition, shares in read_shares(cluster, share_topic).items()}
    some = TopicPartition(share_topic.name, max(sizes, key=sizes.__getitem__))
    consumer = KafkaConsumer(group_id=f"desk {share_topic.name}", **cluster.settings(), enable_auto_commit=False)
    consumer.assign([some])
    consumer.commit({some: OffsetAndMetadata(1, "", -1)})
    consumer.close()
    found = list_subscribers(cluster, [share_topic.name])
    assert found == [Subscriber(f"desk {share_topic.name}", share_topic.name, sizes[some.partition] - 1)]
    assert list_subscribers(cluster, ["another"]) == []
