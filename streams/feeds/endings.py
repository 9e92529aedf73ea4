"""Which feeds have ended and are not closed yet, and whose keys open nothing any more. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, cast, get_args
from uuid import UUID

from domain.access.decider import UNKNOWN as NOBODY
from domain.access.decider import Access
from domain.access.decider import evolve as evolve_access
from domain.access.facts import AccessFact
from domain.agreement.decider import UNKNOWN, Agreement, evolve
from domain.agreement.facts import AgreementFact, AgreementRevoked
from domain.event import Event
from domain.feed.decider import NOTHING, Receipt
from domain.feed.decider import evolve as evolve_receipt
from domain.feed.facts import FeedFact
from domain.partner.facts import PartnerRemoved

_AGREEMENTS, _ACCESSES, _RECEIPTS = (
    frozenset(fact.TYPE for fact in get_args(facts)) for facts in (AgreementFact, AccessFact, FeedFact)
)
TYPES = _AGREEMENTS | _ACCESSES | _RECEIPTS | {PartnerRemoved.TYPE}


class Cause(NamedTuple):
    """The fact by which something ended."""

    position: int
    event_id: UUID
    correlation_id: UUID
    actor: str
    at: datetime


class Ended(NamedTuple):
    """A feed that tells its tombstones alone; `acknowledged` up to which number its partner has."""

    feed: UUID
    partner_id: UUID
    cause: Cause
    acknowledged: int


class Idle(NamedTuple):
    """A key of a partner that was removed and has no feed open any more."""

    access_id: UUID
    hash: str
    cause: Cause


class Endings:
    """What the facts of TYPES have told so far, in ledger order."""

    def __init__(self) -> None:
        self._agreements: dict[UUID, Agreement] = {}
        self._accesses: dict[UUID, Access] = {}
        self._receipts: dict[UUID, Receipt] = {}  # by agreement
        self._revoked: dict[UUID, Cause] = {}  # by agreement
        self._removed: dict[UUID, Cause] = {}  # by partner

    def learn(self, event: Event) -> None:
        id_ = event.stream_id
        if event.type in _AGREEMENTS:
            self._agreements[id_] = evolve(self._agreements.get(id_, UNKNOWN), cast("AgreementFact", event.fact))
            if isinstance(event.fact, AgreementRevoked):
                self._revoked[id_] = _cause_of(event)
        elif event.type in _ACCESSES:
            self._accesses[id_] = evolve_access(self._accesses.get(id_, NOBODY), cast("AccessFact", event.fact))
        elif event.type in _RECEIPTS:
            fact = cast("FeedFact", event.fact)
            self._receipts[fact.agreement_id] = evolve_receipt(self._receipt(fact.agreement_id), fact)
        elif event.type == PartnerRemoved.TYPE:
            self._removed[id_] = _cause_of(event)

    def open(self) -> Iterator[Ended]:
        """The feeds that have ended and are not closed."""
        for feed, agreement in self._agreements.items():
            if (ended := self._ended(feed, agreement)) and not self._receipt(feed).closed:
                yield ended

    def idle(self) -> Iterator[Idle]:
        """The keys that are to be revoked."""
        waiting = {ended.partner_id for ended in self.open()}
        for access_id, access in self._accesses.items():
            cause = self._removed.get(access.acts_as) if access.acts_as else None
            if cause and access.acts_as not in waiting:
                yield from (Idle(access_id, key_hash, cause) for key_hash, _ in access.keys)

    def _ended(self, feed: UUID, agreement: Agreement) -> Ended | None:
        """None as well where nothing was ever to be told."""
        partner_id = agreement.partner_id
        if partner_id is None or agreement.in_force is None:
            return None
        causes = [cause for cause in (self._revoked.get(feed), self._removed.get(partner_id)) if cause]
        return Ended(feed, partner_id, min(causes), self._receipt(feed).through) if causes else None

    def _receipt(self, feed: UUID) -> Receipt:
        return self._receipts.get(feed, NOTHING)


def _cause_of(event: Event) -> Cause:
    return Cause(event.position, event.event_id, event.correlation_id, event.actor, event.recorded_at)
