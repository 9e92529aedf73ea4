"""The topics Relato writes, with what their settings must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.event import PARTITIONS

FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
LARGEST_BATCH = 1_048_588  # bytes: Kafka's own default; a fact of 256 KiB with its headers fits four times


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic's name, its number of partitions, which never changes, and the settings that keep it whole."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


EVENTS = TopicSpec(
    "crm.events.v1",
    PARTITIONS,
    {**FOR_EVER, "max.message.bytes": str(LARGEST_BATCH), "message.timestamp.type": "CreateTime"},
)
CHECKPOINTS = TopicSpec("crm.checkpoints.v1", 1, FOR_EVER)
TOPICS = (EVENTS, CHECKPOINTS)
