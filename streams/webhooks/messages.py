"""What is sent: one event of a feed, as JSON, under an id that stays the same however often it is sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from pydantic_core import to_json

from domain.endpoint.facts import Signing
from streams.feeds.disclosing import CloudEvent

PING = "crm.feed.ping.v1"
SCHEMES: Mapping[Signing, str] = {Signing.HMAC: "v1", Signing.ED25519: "v1a"}
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class Message(NamedTuple):
    """`feed_seq` is None for a ping, which is no entry."""

    id: str
    body: bytes
    feed_seq: int | None


def message_of(feed: UUID, event: CloudEvent) -> Message:
    """The id is the entry's: what is shown of it may be less another time. It has no full stop, for it is signed."""
    number = event["feedseq"]
    return Message(f"msg_{feed.hex}_{number}", to_json(event), number)


def ping_of(source: str, feed: UUID, number: int) -> Message:
    id_ = f"ping_{feed.hex}_{number}"
    event = {"specversion": "1.0", "id": id_, "source": f"{source}/feeds/{feed}", "type": PING,
             "datacontenttype": "application/json", "data": {}}  # fmt: skip
    return Message(f"msg_{id_}", to_json(event), None)
