"""All documents of a feed under one version of its agreement, made from what is shown to its partner."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

from adapters.documents.asyncapi import asyncapi
from adapters.documents.openapi import openapi
from domain.agreement.decider import Agreement
from domain.errors import UnknownError
from streams.feeds.disclosing import CloudEvent
from streams.feeds.envelopes import event_schemas, schema_of_any
from streams.feeds.sandbox import Sandbox

Document = Mapping[str, Any]


def version_of(feed: UUID, agreement: Agreement, asked: int | None) -> int:
    """The one that is asked for; else the one in force, or before any is, the newest. Raises UnknownError."""
    version = asked or agreement.in_force or len(agreement.versions)
    if version > len(agreement.versions):
        raise UnknownError(agreement=feed, version=version)
    return version


class FeedDocuments:
    """`source` is the feed's, as its events name it."""

    def __init__(self, feed: UUID, agreement: Agreement, version: int, source: str) -> None:
        self.feed, self.agreement, self.version, self.source = feed, agreement, version, source

    @cached_property
    def schemas(self) -> Mapping[str, Document]:
        """Of the events, by type."""
        return event_schemas(self.feed, self.agreement, self.version, self.source)

    @cached_property
    def schema(self) -> Document:
        """One that every event fulfils."""
        return schema_of_any(self.feed, self.version, self.schemas)

    @cached_property
    def examples(self) -> Mapping[str, CloudEvent]:
        """Of the sandbox's events the first of each type."""
        events = Sandbox(self.feed, self.agreement, self.version, self.source).events()
        return {event["type"]: event for event in reversed(events)}

    @property
    def purpose(self) -> str:
        return self.agreement.terms(self.version).purpose

    @cached_property
    def asyncapi(self) -> Document:
        return asyncapi(self.feed, self.version, self.purpose, self.schemas, self.examples)

    @cached_property
    def openapi(self) -> Document:
        return openapi(self.feed, self.version, self.purpose, self.schemas, self.examples)

    @property
    def files(self) -> Mapping[str, Document]:
        """All of them by their names, as they lie below the feed's address."""
        named = {"asyncapi.json": self.asyncapi, "openapi.json": self.openapi, "schemas.json": self.schema}
        return named | {f"schemas/{type_}.json": schema for type_, schema in self.schemas.items()}
