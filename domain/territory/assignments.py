"""Who is responsible for a territory, and when: one partner at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, assert_never
from uuid import UUID

from domain.period import holds
from domain.territory.facts import TerritoryPartnerAssigned, TerritoryPartnerReleased


class Assignment(NamedTuple):
    """A partner's, up to and without `valid_until`; without it there is no end."""

    partner_id: UUID
    valid_from: datetime
    valid_until: datetime | None = None

    def overlaps(self, other: Assignment) -> bool:
        is_before = self.valid_until is not None and self.valid_until <= other.valid_from
        is_after = other.valid_until is not None and other.valid_until <= self.valid_from
        return not (is_before or is_after)


Assignments = tuple[Assignment, ...]


def after(assignments: Assignments, fact: TerritoryPartnerAssigned | TerritoryPartnerReleased) -> Assignments:
    match fact:
        case TerritoryPartnerAssigned(partner_id=partner_id, valid_from=valid_from, valid_until=valid_until):
            return (*assignments, Assignment(partner_id, valid_from, valid_until))
        case TerritoryPartnerReleased(partner_id=partner_id, valid_until=valid_until):
            return tuple(_shortened(assignments, partner_id, valid_until))
        case _:
            assert_never(fact)


def _shortened(assignments: Assignments, partner_id: UUID, end: datetime) -> Iterator[Assignment]:
    for assignment in assignments:
        if not lasts_beyond(assignment, partner_id, end):
            yield assignment
        elif assignment.valid_from < end:
            yield assignment._replace(valid_until=end)


def lasts_beyond(assignment: Assignment, partner_id: UUID, end: datetime) -> bool:
    """Whether the partner would be responsible at the end, or later, by this assignment."""
    return assignment.partner_id == partner_id and (assignment.valid_until is None or assignment.valid_until > end)


def responsible_at(assignments: Iterable[Assignment], at: datetime) -> UUID | None:
    return next((one.partner_id for one in assignments if holds(one.valid_from, one.valid_until, at)), None)
