"""What the documents of a feed are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from streams.topics import TopicSpec

Schema = dict[str, Any]


class Events(NamedTuple):
    """By type; there need not be an example of each."""

    schemas: Mapping[str, Schema]
    examples: Mapping[str, Mapping[str, Any]]


class OpenTopics(NamedTuple):
    """A partner's topics; `settings` are its clients', without the password, and without what is not known here."""

    topic: TopicSpec
    inbound: TopicSpec
    settings: Mapping[str, str]
    group_prefix: str


class Contents(NamedTuple):
    """`told`: the feed's events; `ping` is what a webhook gets beside them; `taken`: what the partner may send."""

    feed: UUID
    version: int
    purpose: str
    told: Events
    ping: Schema
    taken: Events
    topics: tuple[OpenTopics, ...] = ()

    @property
    def path(self) -> str:
        return f"/v1/feeds/{self.feed}"
