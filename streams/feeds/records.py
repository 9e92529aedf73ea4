"""A feed's events as Kafka records: CloudEvents 1.0 in binary mode, and a header by which the relay knows its own.

What is told of an entry may change, so the header names the entry itself, by a keyed digest of which fact it points to
that tells nobody else anything: a feed that was entered otherwise, after a restore, has others. And it names the number
that was sent before, for of a feed that is ending only tombstones are told.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from pydantic_core import to_json

from streams.envelope import ROW, Headers, MalformedRecordError, Outgoing
from streams.feeds.disclosing import CloudEvent
from streams.feeds.entries import Reason
from streams.tails import Held

ONLY = 0  # the partition
BODY = frozenset({"data", "datacontenttype"})

Tag = Callable[[int, UUID, Reason | None], bytes]
"""Of an entry's number, the id of the fact that it points to, and its reason."""


def tag_of(derive_id: Callable[[str, str], UUID], feed: UUID) -> Tag:
    """`derive_id` is keyed by the installation's secret."""
    kind = f"feed {feed}"
    return lambda seq, event_id, reason: derive_id(kind, f"{seq} {event_id} {reason or ''}").bytes


def encode_told(event: CloudEvent, previous: int, tag: bytes) -> Outgoing:
    """`previous` is the number sent before it. The key is the subject's pseudonym; where none is told there is none."""
    seq = event["feedseq"]
    headers = [(f"ce_{name}", str(told).encode()) for name, told in event.items() if name not in BODY]
    headers += [("content-type", event["datacontenttype"].encode()), (ROW, f"{previous}.{tag.hex()}".encode())]
    key = event.get("subject", "").encode()
    return Outgoing(seq, ONLY, seq, key, to_json(event["data"]), headers, 0)  # the topic sets the time


def identify_told(partition: int, offset: int, _value: bytes | None, headers: Headers) -> Held:
    """Which entry a record is of; raises MalformedRecordError."""
    try:
        named = dict(headers)
        seq = int(named["ce_feedseq"])
        previous, _, tag = named[ROW].decode().partition(".")
        return Held(partition, offset, seq, seq, bytes.fromhex(tag), int(previous))
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedRecordError(partition=partition, offset=offset) from error
