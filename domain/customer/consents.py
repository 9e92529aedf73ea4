"""Consents: how they stand at a time, as the facts tell. Pure; the read model and whoever passes data on ask here.

What counts is the last that was said of a person, a channel and a purpose. Of customers who were merged the strictest
counts, until one under whose id both go on says something new; an unmerge parts them exactly as they were. An erased
person permits nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from domain.customer.facts import (
    ConsentChannel,
    ConsentGiven,
    ConsentWithdrawn,
    CustomerAbsorbed,
    CustomerMerged,
    CustomerReleased,
    CustomerUnmerged,
    PersonErased,
)
from domain.event import Event
from domain.period import holds
from domain.personal import Purpose, Sealed


class Standing(StrEnum):
    """The stricter the earlier; `none`: nothing was said."""

    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    GIVEN = "given"
    NONE = "none"


class Needed(NamedTuple):
    """What somebody must have permitted. `person_id` is the customer's own, or a contact's."""

    person_id: UUID
    channel: ConsentChannel
    purpose: Purpose


class Consent(NamedTuple):
    """The last that was said of one person, channel and purpose; `said_at` is when it was said."""

    given: bool
    valid_from: datetime
    valid_until: datetime | None
    said_at: datetime
    source: str | None = None
    evidence: Sealed | None = None

    def standing(self, at: datetime) -> Standing:
        if not self.given:
            return Standing.WITHDRAWN
        if holds(self.valid_from, self.valid_until, at):
            return Standing.GIVEN
        return Standing.NOT_YET if at < self.valid_from else Standing.EXPIRED


def consent_of(event: Event) -> tuple[Needed, Consent] | None:
    """What a fact says of whom; None when it says nothing of a consent."""
    at = event.occurred_at
    match event.fact:
        case ConsentGiven() as fact:
            said = Consent(True, fact.valid_from or at, fact.valid_until, at, fact.source, fact.evidence)
        case ConsentWithdrawn() as fact:
            said = Consent(False, at, None, at, fact.source, fact.evidence)
        case _:
            return None
    return Needed(fact.person_id or event.stream_id, fact.channel, fact.purpose), said


NOBODY: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one customer's facts tell: consents by what they are for, and merges, with when it was merged away."""

    consents: Mapping[Needed, Consent] = field(default_factory=dict)
    merged_into: UUID | None = None
    merged_at: datetime | None = None
    absorbed: frozenset[UUID] = NOBODY


UNTOLD = Permissions()


def evolve(told: Permissions, event: Event) -> Permissions:
    """Takes any fact of a customer's stream, in order; most leave everything as it is."""
    if said := consent_of(event):
        needed, consent = said
        return replace(told, consents={**told.consents, needed: consent})
    match event.fact:
        case PersonErased(person_ids=person_ids):
            left = {needed: one for needed, one in told.consents.items() if needed.person_id not in person_ids}
            return replace(told, consents=left)
        case CustomerMerged(into_id=into_id):
            return replace(told, merged_into=into_id, merged_at=event.occurred_at)
        case CustomerUnmerged():
            return replace(told, merged_into=None, merged_at=None)
        case CustomerAbsorbed(absorbed_id=absorbed_id):
            return replace(told, absorbed=told.absorbed | {absorbed_id})
        case CustomerReleased(released_id=released_id):
            return replace(told, absorbed=told.absorbed - {released_id})
        case _:
            return told


def standing(customer_id: UUID, needed: Needed, told_of: Callable[[UUID], Permissions], at: datetime) -> Standing:
    """How the consent stands at a time; `told_of` answers what is known of a customer, UNTOLD when nothing is."""
    survivor_id = told_of(customer_id).merged_into or customer_id
    survivor = told_of(survivor_id)
    same = {customer_id, survivor_id, *survivor.absorbed}
    wanted = {one: needed._replace(person_id=one) if needed.person_id in same else needed for one in same}
    own = survivor.consents.get(wanted[survivor_id])
    others = ((told_of(one), wanted[one]) for one in same - {survivor_id})
    said = [one for alias, asked in others if (one := alias.consents.get(asked)) and not _is_outdated(alias, own)]
    return strictest(one.standing(at) for one in ([*said, own] if own else said))


def _is_outdated(alias: Permissions, own: Consent | None) -> bool:
    """Whether the survivor has said something since."""
    return own is not None and alias.merged_at is not None and own.said_at >= alias.merged_at


def strictest(standings: Iterable[Standing]) -> Standing:
    return min(standings, key=list(Standing).index, default=Standing.NONE)
