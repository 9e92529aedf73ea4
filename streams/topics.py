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
SHARE_PARTITIONS = 16
# time counts from when it was sent, or what is published anew would be too old at once; older facts are the ledger's
A_MONTH = {
    "retention.ms": str(30 * 24 * 3600 * 1000),
    "retention.bytes": "-1",
    "cleanup.policy": "delete",
    "max.message.bytes": str(LARGEST_BATCH),
    "message.timestamp.type": "LogAppendTime",
}
SHARES = {name: TopicSpec(f"crm.{name}.v1", SHARE_PARTITIONS, A_MONTH) for name in ("sales", "marketing", "support")}
ALERTS = TopicSpec("crm.alerts.v1", SHARE_PARTITIONS, A_MONTH)
# the newest row under each key; segments end early, so that there is little to read when a screen opens
NEWEST = {
    "cleanup.policy": "compact",
    "delete.retention.ms": str(3600 * 1000),
    "max.message.bytes": str(LARGEST_BATCH),
    "message.timestamp.type": "CreateTime",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.ms": str(600 * 1000),
}
SCREENS = TopicSpec("crm.screens.v1", 1, NEWEST)
A_FORTNIGHT = {
    **A_MONTH,
    "retention.ms": str(14 * 24 * 3600 * 1000),
    # what was deleted stays on the disk until its segment holds nothing else
    "segment.ms": str(6 * 3600 * 1000),
    "file.delete.delay.ms": "1000",
}
CHECKPOINTS = TopicSpec("crm.checkpoints.v1", 1, FOR_EVER)
PARTNER = "crm.partner."
TOPICS = (EVENTS, *SHARES.values(), ALERTS, SCREENS, CHECKPOINTS)


def partner_topic(name: str) -> TopicSpec:
    """That carries one feed to the partner of this name."""
    return TopicSpec(f"{PARTNER}{name}.v1", 1, A_FORTNIGHT)


def inbound_topic(name: str) -> TopicSpec:
    """Where the partner of this name writes to us; in whichever codec, the broker keeps what we can read."""
    return TopicSpec(f"{PARTNER}{name}.inbound.v1", 1, {**A_FORTNIGHT, "compression.type": "uncompressed"})
