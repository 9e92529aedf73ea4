"""Endpoints: where partners' feeds are delivered as webhooks, and whether they are."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.endpoint.facts import (
    EndpointAdded,
    EndpointDisabled,
    EndpointEnabled,
    EndpointFact,
    EndpointMoved,
    EndpointRemoved,
    EndpointSecretRotated,
)
from domain.event import Event
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import begun


class State(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"
    REMOVED = "removed"


class Endpoint(NamedTuple):
    """`reason`: why it was disabled or removed."""

    endpoint_id: UUID
    agreement_id: UUID
    url: str
    signing: str
    state: str
    reason: str | None
    added_at: datetime
    changed_at: datetime


def evolve(row: Endpoint | None, event: Event) -> Endpoint:
    fact, at = cast("EndpointFact", event.fact), event.occurred_at
    if isinstance(fact, EndpointAdded):
        return Endpoint(event.stream_id, fact.agreement_id, fact.url, fact.signing, State.ENABLED, None, at, at)
    row = begun(row, event)._replace(changed_at=at)
    match fact:
        case EndpointMoved(url=url):
            return row._replace(url=url)
        case EndpointDisabled(reason=reason):
            return row._replace(state=State.DISABLED, reason=reason)
        case EndpointEnabled():
            return row._replace(state=State.ENABLED, reason=None)
        case EndpointSecretRotated():
            return row
        case EndpointRemoved(reason=reason):
            return row._replace(state=State.REMOVED, reason=reason)
        case _:
            assert_never(fact)


endpoints = ReadModel(
    name="endpoints",
    version=1,
    row=Endpoint,
    key=1,
    facts=get_args(EndpointFact),
    keys=by_stream,
    evolve=evolve,
)
