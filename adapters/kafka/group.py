"""Where a consumer group of ours begins, and how far it has come; Kafka keeps both."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, MemberToRemove, OffsetSpec, OffsetTimestamp

from adapters.kafka.admin import Spec, ask_kafka
from adapters.kafka.cluster import Cluster
from adapters.kafka.topic_errors import KafkaAwayError

COORDINATOR_S = 10.0  # a new cluster has none for groups before the first one asks
PAUSE_S = 0.5
Place = tuple[str, int]  # a topic and a partition


class Progress(NamedTuple):
    """Of a partition: the next record that the group will confirm, and the end."""

    confirmed: int
    end: int


def begin_group(cluster: Cluster, group: str, specs: Sequence[Spec], since: datetime) -> Mapping[Place, int]:
    """The group begins anew with what was sent since then; answers at which records.

    Who asks leads: whoever else is in the group was killed, and Kafka has not noticed yet. Raises KafkaAwayError.
    """
    deadline = time.monotonic() + COORDINATOR_S
    while True:
        try:
            return ask_kafka(cluster, group, "READ", lambda admin: _begin(admin, group, _places(specs), since))
        except KafkaAwayError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_S)


def ask_progress(cluster: Cluster, group: str, specs: Sequence[Spec]) -> Mapping[Place, Progress]:
    """Raises KafkaAwayError."""
    return ask_kafka(cluster, group, "DESCRIBE", lambda admin: _ask(admin, group, _places(specs)))


def _places(specs: Sequence[Spec]) -> Sequence[TopicPartition]:
    return [TopicPartition(spec.name, partition) for spec in specs for partition in range(spec.partitions)]


def _begin(
    admin: KafkaAdminClient, group: str, places: Sequence[TopicPartition], since: datetime
) -> Mapping[Place, int]:
    logging.getLogger("kafka.admin._groups").setLevel(logging.ERROR)  # it cannot read what members say of themselves
    members = admin.describe_groups([group])[group]["members"]
    if members:
        admin.remove_group_members(group, [MemberToRemove(member_id=member["member_id"]) for member in members])
    starts = admin.reset_group_offsets(group, dict.fromkeys(places, OffsetTimestamp(int(since.timestamp() * 1000))))
    for start in starts.values():
        if start["error"].errno:
            raise KafkaAwayError(group=group, reason=start["error"].__name__)
    return {(place.topic, place.partition): start["offset"] for place, start in starts.items()}


def _ask(admin: KafkaAdminClient, group: str, places: Sequence[TopicPartition]) -> Mapping[Place, Progress]:
    confirmed = admin.list_group_offsets([group])[group]
    firsts = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    return {
        (place.topic, place.partition): Progress(
            max(firsts[place].offset, confirmed[place].offset if place in confirmed else 0), ends[place].offset
        )
        for place in places
    }
