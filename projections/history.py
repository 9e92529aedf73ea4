"""One customer's history, from the ledger: all facts of all aggregates, under every id that is the same customer's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Protocol
from uuid import UUID

from domain.customer.facts import CustomerAbsorbed, CustomerMerged, CustomerReleased, CustomerUnmerged
from domain.event import Event

PAGE = 2_000
IDENTIFIED = ".customer_identified.v1"


class SubjectLog(Protocol):
    """The ledger by subject. Raises UnavailableError."""

    def read_subject(self, subject_id: UUID, after: int, limit: int) -> Sequence[Event]: ...


class Identities(Protocol):
    """Which anonymous subjects turned out to be a customer's. Raises UnavailableError."""

    def identified_as(self, customer_id: UUID) -> Sequence[UUID]: ...


@dataclass(frozen=True, slots=True)
class Horizon:
    """`known_at`: the ledger up to then. `as_of`: what of it had occurred by then. Without them, everything."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    def sees(self, event: Event) -> bool:
        return (self.known_at is None or event.recorded_at <= self.known_at) and (
            self.as_of is None or event.occurred_at <= self.as_of
        )


def read_history(customer_id: UUID, log: SubjectLog, identities: Identities, horizon: Horizon) -> Sequence[Event]:
    """In the ledger's order; empty when nothing is known under the id."""
    return list(merge(*read_subjects(customer_id, log, identities, horizon).values(), key=lambda event: event.position))


def read_subjects(
    customer_id: UUID, log: SubjectLog, identities: Identities, horizon: Horizon
) -> dict[UUID, Sequence[Event]]:
    """Each subject's facts; the first one is the customer under whose id all goes on."""
    asked = _read(customer_id, log, horizon)
    survivor_id = _goes_on_as(asked) or customer_id
    survivor = asked if survivor_id == customer_id else _read(survivor_id, log, horizon)
    if (further_id := _goes_on_as(survivor)) is not None:  # an anonymous order's customer may have been merged since
        survivor_id, survivor = further_id, _read(further_id, log, horizon)
    found = {survivor_id: survivor}
    for customer in (survivor_id, *_absorbed(survivor)):
        for subject_id in (customer, *identities.identified_as(customer)):
            if subject_id not in found:
                events = asked if subject_id == customer_id else _read(subject_id, log, horizon)
                if _goes_on_as(events) in (survivor_id, customer):
                    found[subject_id] = events
    return found


def _read(subject_id: UUID, log: SubjectLog, horizon: Horizon) -> Sequence[Event]:
    events: list[Event] = []
    while page := log.read_subject(subject_id, events[-1].subject_seq if events else 0, PAGE):
        events += page
        if len(page) < PAGE:
            break
    return [event for event in events if horizon.sees(event)]


def _goes_on_as(events: Iterable[Event]) -> UUID | None:
    """The customer that the subject was merged into, or identified as."""
    found: UUID | None = None
    for event in events:
        if event.type == CustomerMerged.TYPE:
            found = getattr(event.fact, "into_id")  # noqa: B009 the type says so
        elif event.type == CustomerUnmerged.TYPE:
            found = None
        elif event.type.endswith(IDENTIFIED) and (named := getattr(event.fact, "customer_id")) != event.subject_id:  # noqa: B009 the same
            found = named
    return found


def _absorbed(events: Iterable[Event]) -> Sequence[UUID]:
    found: dict[UUID, None] = {}
    for event in events:
        if event.type == CustomerAbsorbed.TYPE:
            found[getattr(event.fact, "absorbed_id")] = None  # noqa: B009 the type says so
        elif event.type == CustomerReleased.TYPE:
            found.pop(getattr(event.fact, "released_id"), None)  # noqa: B009 the same
    return tuple(found)
