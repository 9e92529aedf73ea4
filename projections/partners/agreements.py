"""Agreements: what each partner's feed follows, and whether it holds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.agreement.facts import (
    AgreementActivated,
    AgreementAmended,
    AgreementDrafted,
    AgreementFact,
    AgreementResumed,
    AgreementRevoked,
    AgreementSuspended,
)
from domain.agreement.terms import Terms
from domain.event import Event
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import begun


class State(StrEnum):
    DRAFTED = "drafted"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Agreement(NamedTuple):
    """`versions` are what is told of each one's terms, the first one first; `in_force` is the number of one."""

    agreement_id: UUID
    partner_id: UUID
    state: str
    in_force: int | None
    versions: tuple[dict[str, Any], ...]
    drafted_at: datetime
    changed_at: datetime


def evolve(row: Agreement | None, event: Event) -> Agreement:
    fact, at = cast("AgreementFact", event.fact), event.occurred_at
    if isinstance(fact, AgreementDrafted):
        version = _told(fact.terms)
        return Agreement(event.stream_id, fact.partner_id, State.DRAFTED, None, (version,), at, at)
    row = begun(row, event)._replace(changed_at=at)
    match fact:
        case AgreementAmended(terms=terms):
            return row._replace(versions=(*row.versions, _told(terms)))
        case AgreementActivated(version=number):
            is_suspended = row.state == State.SUSPENDED
            return row._replace(in_force=number, state=State.SUSPENDED if is_suspended else State.ACTIVE)
        case AgreementSuspended():
            return row._replace(state=State.SUSPENDED)
        case AgreementResumed():
            return row._replace(state=State.ACTIVE)
        case AgreementRevoked():
            return row._replace(state=State.REVOKED)
        case _:
            assert_never(fact)


def _told(terms: Terms) -> dict[str, Any]:
    types = tuple(shown.type for shown in terms.shows)
    return {"purpose": terms.purpose, "scope": terms.scope.value, "types": types, "row_filter": terms.row_filter}


agreements = ReadModel(
    name="agreements",
    version=1,
    row=Agreement,
    key=1,
    facts=get_args(AgreementFact),
    keys=by_stream,
    evolve=evolve,
)
