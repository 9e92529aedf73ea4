"""Who follows our topics as a consumer group, and how far each is behind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec

from adapters.kafka.admin import ask_kafka
from adapters.kafka.cluster import Cluster

NEVER = -1


class Subscriber(NamedTuple):
    """A consumer group on a topic; `behind` counts records after those that it has confirmed."""

    group: str
    topic: str
    behind: int


def list_subscribers(cluster: Cluster, topics: Collection[str], prefix: str | None = None) -> Sequence[Subscriber]:
    """Of these topics and of all that begin so, by group and topic. Raises KafkaAwayError, NotAuthorisedError."""
    prefixes = (prefix,) if prefix else ()
    return ask_kafka(cluster, "consumer groups", "DESCRIBE", lambda admin: _list(admin, topics, prefixes))


def _list(admin: KafkaAdminClient, topics: Collection[str], prefixes: tuple[str, ...]) -> Sequence[Subscriber]:
    groups = [group["group_id"] for group in admin.list_groups()]
    confirmed: Mapping[str, Mapping[TopicPartition, Any]] = admin.list_group_offsets(groups) if groups else {}
    followed = {
        (group, place.topic): {p: at for p, at in offsets.items() if p.topic == place.topic}
        for group, offsets in confirmed.items()
        for place in offsets
        if place.topic in topics or place.topic.startswith(prefixes)
    }
    places = {place for offsets in followed.values() for place in offsets}
    ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST)) if places else {}
    firsts = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST)) if places else {}
    return [
        Subscriber(group, topic, sum(_behind(at.offset, firsts[p].offset, ends[p].offset) for p, at in offsets.items()))
        for (group, topic), offsets in sorted(followed.items())
    ]


def _behind(confirmed: int, first: int, end: int) -> int:
    return int(end - max(first, confirmed if confirmed != NEVER else first))
