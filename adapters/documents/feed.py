"""All documents of a feed under one version of its agreement, made from what is shown to its partner and taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from adapters.documents.asyncapi import asyncapi
from adapters.documents.contents import Contents, Events, OpenTopics
from adapters.documents.openapi import openapi
from domain.agreement.decider import Agreement
from domain.errors import UnknownError
from streams.feeds.envelopes import event_schemas, ping_schema
from streams.feeds.sandbox import Sandbox
from streams.inbound.envelopes import accepted_types, event_schema, example_of
from streams.schemas import DIALECT
from streams.webhooks.messages import PING

Document = Mapping[str, Any]


def version_of(feed: UUID, agreement: Agreement, asked: int | None) -> int:
    """The one that is asked for; else the one in force, or before any is, the newest. Raises UnknownError."""
    version = asked or agreement.in_force or len(agreement.versions)
    if version > len(agreement.versions):
        raise UnknownError(agreement=feed, version=version)
    return version


class FeedDocuments:
    """`source` is the feed's, as its events name it; `topics` are those that its partner has open for it."""

    def __init__(
        self, feed: UUID, agreement: Agreement, version: int, source: str, topics: Sequence[OpenTopics] = ()
    ) -> None:
        self.feed, self.agreement, self.version, self.source, self.topics = feed, agreement, version, source, topics

    @cached_property
    def told(self) -> Events:
        """Of the sandbox's events the first of each type is an example."""
        events = Sandbox(self.feed, self.agreement, self.version, self.source).events()
        examples = {event["type"]: event for event in reversed(events)}
        return Events(event_schemas(self.agreement, self.version, self.source), examples)

    @cached_property
    def taken(self) -> Events:
        types = accepted_types(self.agreement.terms(self.version))
        return Events({type_: event_schema(type_) for type_ in types}, {type_: example_of(type_) for type_ in types})

    @cached_property
    def contents(self) -> Contents:
        purpose, ping = self.agreement.terms(self.version).purpose, ping_schema(self.source)
        return Contents(self.feed, self.version, purpose, self.told, ping, self.taken, tuple(self.topics))

    @property
    def asyncapi(self) -> Document:
        return asyncapi(self.contents)

    @property
    def openapi(self) -> Document:
        return openapi(self.contents)

    @property
    def schema(self) -> Document:
        """One that every event of the feed fulfils; the others are defined beside."""
        choices = [{"$ref": f"#/$defs/{type_}"} for type_ in self.told.schemas]
        name = f"urn:relato:feed:{self.feed}:{self.version}"
        return {"$schema": DIALECT, "$id": name, "oneOf": choices, "$defs": self._each}

    @property
    def schemas(self) -> Mapping[str, Document]:
        """Of the feed's events, a webhook's ping, and what the partner may send, by type."""
        named = f"urn:relato:feed:{self.feed}:{self.version}"
        return {type_: {"$schema": DIALECT, "$id": f"{named}:{type_}", **one} for type_, one in self._each.items()}

    @property
    def _each(self) -> Mapping[str, Document]:
        return {**self.told.schemas, PING: self.contents.ping, **self.taken.schemas}

    @property
    def files(self) -> Mapping[str, Document]:
        """All of them by their names, as they lie below the feed's address."""
        named = {"asyncapi.json": self.asyncapi, "openapi.json": self.openapi, "schemas.json": self.schema}
        return named | {f"schemas/{type_}.json": schema for type_, schema in self.schemas.items()}
