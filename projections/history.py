"""One customer's history, from the ledger: all facts of all aggregates, under every id that is the same customer's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.customer.facts import CustomerAbsorbed, CustomerMerged, CustomerReleased, CustomerUnmerged
from domain.event import Event
from domain.fact import Fact
from domain.ports import By

PAGE, LARGEST = 2_000, 2**63 - 1
IDENTIFIED = ".customer_identified.v1"
MOVES = {fact.TYPE for fact in (CustomerAbsorbed, CustomerMerged, CustomerReleased, CustomerUnmerged)}


class SubjectLog(Protocol):
    """The ledger by subject. Raises UnavailableError."""

    def read_subject(self, subject_id: UUID, after: int, limit: int) -> Sequence[Event]: ...

    def select_subject(
        self, subject_id: UUID, after: int, limit: int, types: Collection[str] | None, by: By
    ) -> Sequence[Event]:
        """As `read_subject`, of these types if any are named, and of what was recorded and true by then."""

    def count_others(self, subject_id: UUID, types: Collection[str], by: By) -> int:
        """How many facts of other types than these, of what was recorded and true by then."""


class Identities(Protocol):
    """Which anonymous subjects turned out to be a customer's. Raises UnavailableError."""

    def identified_as(self, customer_id: UUID) -> Sequence[UUID]: ...


@dataclass(frozen=True, slots=True)
class Horizon:
    """`known_at`: the ledger up to then. `as_of`: what of it had occurred by then. Without them, everything."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def by(self) -> By:
        return By(self.known_at, self.as_of)

    def sees(self, event: Event) -> bool:
        return (self.known_at is None or event.recorded_at <= self.known_at) and (
            self.as_of is None or event.occurred_at <= self.as_of
        )


def read_history(customer_id: UUID, log: SubjectLog, identities: Identities, horizon: Horizon) -> Sequence[Event]:
    """In the ledger's order; empty when nothing is known under the id."""
    return list(merge(*read_subjects(customer_id, log, identities, horizon).values(), key=lambda event: event.position))


class Page(NamedTuple):
    """A part of a history; `left_out` is how many facts of all of it are of other types."""

    events: Sequence[Event]
    left_out: int


def read_page(
    customer_id: UUID,
    log: SubjectLog,
    identities: Identities,
    horizon: Horizon,
    *,
    after: int,
    limit: int,
    types: Collection[str] | None = None,
) -> Page | None:
    """The facts of these types, or of all, behind a position, in the ledger's order; none where nothing is known.

    What is read is the page and little more, however long the history is.
    """
    subjects = find_subjects(customer_id, log, identities, horizon)
    if not any(log.read_subject(subject_id, 0, 1) for subject_id in subjects):
        return None
    each = [log.select_subject(one, _seq_at(one, log, after), limit, types, horizon.by) for one in subjects]
    events = list(islice(merge(*each, key=lambda event: event.position), limit))
    if types is None:
        return Page(events, 0)
    return Page(events, sum(log.count_others(subject_id, types, horizon.by) for subject_id in subjects))


def read_subjects(
    customer_id: UUID, log: SubjectLog, identities: Identities, horizon: Horizon
) -> dict[UUID, Sequence[Event]]:
    """Each subject's facts; the first one is the customer under whose id all goes on."""
    return {one: _read(one, log, horizon) for one in find_subjects(customer_id, log, identities, horizon)}


def find_subjects(customer_id: UUID, log: SubjectLog, identities: Identities, horizon: Horizon) -> Sequence[UUID]:
    """Under which ids the customer is known; the first is the one under which all goes on."""
    asked = _read_moves(customer_id, log, horizon)
    survivor_id = _goes_on_as(asked) or customer_id
    survivor = asked if survivor_id == customer_id else _read_moves(survivor_id, log, horizon)
    if (further_id := _goes_on_as(survivor)) is not None:  # an anonymous order's customer may have been merged since
        survivor_id, survivor = further_id, _read_moves(further_id, log, horizon)
    found = [survivor_id]
    for customer in (survivor_id, *_absorbed(survivor)):
        for subject_id in (customer, *identities.identified_as(customer)):
            if subject_id not in found:
                events = asked if subject_id == customer_id else _read_moves(subject_id, log, horizon)
                if _goes_on_as(events) in (survivor_id, customer):
                    found.append(subject_id)
    return found


def _read_moves(subject_id: UUID, log: SubjectLog, horizon: Horizon) -> Sequence[Event]:
    """What says under which id the subject goes on."""
    types = MOVES | {type_ for type_ in Fact.types if type_.endswith(IDENTIFIED)}
    return log.select_subject(subject_id, 0, LARGEST, types, horizon.by)


def _seq_at(subject_id: UUID, log: SubjectLog, position: int) -> int:
    """The subject's last fact up to a position in the ledger: both grow together."""
    if not position:
        return 0
    low, high = 0, 1
    while _is_upto(subject_id, log, high, position):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_upto(subject_id, log, middle, position) else (low, middle)
    return low


def _is_upto(subject_id: UUID, log: SubjectLog, seq: int, position: int) -> bool:
    found = log.read_subject(subject_id, seq - 1, 1)
    return bool(found) and found[0].position <= position


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
