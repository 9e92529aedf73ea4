"""The book of agreements: which feeds a fact belongs to, by what was known when it was recorded. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple, get_args
from uuid import UUID

from domain.agreement.decider import UNKNOWN, Agreement, evolve
from domain.agreement.facts import AgreementActivated, AgreementFact, AgreementRevoked
from domain.agreement.terms import ConsentNeeded, Terms, narrowed
from domain.customer.facts import PersonErased
from domain.event import Event, Origin
from domain.fact import Fact
from domain.partner.facts import PartnerRemoved
from streams.departments import newest
from streams.feeds import people, reference
from streams.feeds.candidates import Candidates, InForce
from streams.feeds.changes import renewals, renewed
from streams.feeds.entries import Change, Forget, Match, Reason
from streams.feeds.filters import Filters, Misfit, RowFilter, usable, variables_of
from streams.feeds.reference import Reference

AGREEMENTS = frozenset(fact.TYPE for fact in get_args(AgreementFact))
TYPES = reference.TYPES | AGREEMENTS | {PartnerRemoved.TYPE}


class Noted(NamedTuple):
    """What a fact comes to."""

    matches: list[Match]
    follows: list[Forget | Change]


NOTHING = Noted([], [])


class Book:
    """What the facts of TYPES have told so far, in ledger order; with `only`, of agreements that one alone."""

    def __init__(self, filters: Filters, *, only: UUID | None = None) -> None:
        self._filters, self._only = filters, only
        self._agreements: dict[UUID, Agreement] = {}
        self._first: dict[UUID, int] = {}  # the version that was activated first
        self._held: list[InForce] = []
        self._removed: set[UUID] = set()
        self._candidates: dict[str, Candidates] = {}
        self.reference = Reference()
        self._types, self._is_stale = _stored(TYPES), False
        self._compiled: dict[tuple[UUID, int], InForce] = {}
        self.unpermitted = Counter[UUID]()  # by feed, the facts that nobody had consented to pass on
        self.misfits: dict[UUID, list[str]] = defaultdict(list)  # by feed, since they were looked at last
        self.belated: set[UUID] = set()  # the same, of feeds that begin before they were activated

    @property
    def types(self) -> frozenset[str]:
        """The stored types of all facts that it needs to see; another object when the agreements are others."""
        if self._is_stale:
            self._index()
        return self._types

    @property
    def feeds(self) -> Collection[UUID]:
        return self._agreements.keys()

    def learn(self, event: Event) -> list[Forget | Change]:
        """What follows from a fact for feeds that it need not belong to."""
        if event.type in reference.TYPES:
            self.reference.learn(event)
            return list(self._forget_people(event)) if event.type in people.TYPES else []
        if event.type in AGREEMENTS:
            return list(self._learn_agreement(event))
        if event.type == PartnerRemoved.TYPE:
            return list(self._end_with(event.stream_id))
        return []

    def take(self, event: Event) -> Noted:
        """Learns it, and tells which feeds it belongs to."""
        follows = self.learn(event) if event.type in TYPES else []
        matches = self._match(event)
        return Noted(matches, follows) if matches or follows else NOTHING

    def renewals(self) -> Iterator[tuple[Change, frozenset[str]]]:
        """The agreements that hold and name types under older names than this release's, with the newest ones."""
        for feed, agreement in self._agreements.items():
            version = agreement.in_force
            if version and not self._has_ended(agreement) and (types := renewals(agreement.terms(version))):
                yield Change(feed, version, version), types

    def hold(self, kept: InForce) -> None:
        """Keeps this agreement as if it were in force, until the facts tell that it is, or that its partner is gone."""
        self._held.append(kept)
        self._is_stale = True

    def first_in_force(self, feed: UUID) -> InForce:
        """An agreement in the version that was activated first, as far as it is known."""
        return self.compiled(feed, self._first[feed], self._agreements[feed])

    def compiled(self, feed: UUID, version: int, agreement: Agreement) -> InForce:
        if (known := self._compiled.get((feed, version))) is None:
            known = self._compiled[feed, version] = self._compile(feed, version, agreement)
        return known

    def _compile(self, feed: UUID, version: int, agreement: Agreement) -> InForce:
        terms = renewed(agreement.terms(version))
        row_filter = None if terms.row_filter is None else usable(self._filters, terms.row_filter)
        assert agreement.partner_id is not None
        return InForce(feed, version, agreement.partner_id, terms, row_filter)

    def _match(self, event: Event) -> list[Match]:
        if self._is_stale:
            self._index()
        if (candidates := self._candidates.get(newest(event.type))) is None:
            return []
        matches, row = list[Match](), None
        for kept, products in candidates.concerned(event, self.reference):
            if not self._applies(event, kept.terms):
                continue
            if kept.terms.consent and not self._permits(event, kept.terms.consent):
                self.unpermitted[kept.feed] += 1
                continue
            if kept.row_filter is not None:
                row = row or self._filters.row(variables_of(event))
                if not self._fits(kept, kept.row_filter, row):
                    continue
            matches.append(Match(kept.feed, kept.version, products))
        return matches

    def _applies(self, event: Event, terms: Terms) -> bool:
        if event.origin == Origin.IMPORT and not terms.imported:
            return False
        if terms.valid_from is not None and event.recorded_at < terms.valid_from:
            return False
        if terms.valid_until is not None and event.recorded_at >= terms.valid_until:
            return False
        return not self.reference.people.is_erased(event.subject_id)

    def _permits(self, event: Event, needed: ConsentNeeded) -> bool:
        return self.reference.people.permits(event.subject_id, needed, event.recorded_at)

    def _fits(self, kept: InForce, row_filter: RowFilter, row: Any) -> bool:
        answer = row_filter.matches(row)
        if isinstance(answer, Misfit):
            self.misfits[kept.feed].append(answer.reason)
            return False
        return answer

    def _learn_agreement(self, event: Event) -> Iterator[Forget | Change]:
        feed, before = event.stream_id, self._agreements.get(event.stream_id, UNKNOWN)
        if self._only not in (None, feed):
            return
        after = evolve(before, event.fact)  # type: ignore[arg-type]  # the type says so
        self._agreements[feed] = after
        if isinstance(event.fact, AgreementActivated):
            terms = after.terms(event.fact.version)
            if before.in_force is None:
                self._first[feed] = event.fact.version
                begins_before = terms.valid_from is not None and terms.valid_from < event.recorded_at
                if begins_before and not self._has_ended(after):
                    self.belated.add(feed)
            elif not self._has_ended(after):
                if types := narrowed(renewed(before.terms(before.in_force)), renewed(terms)):
                    yield Forget(feed, event.fact.version, Reason.NARROWED, types=tuple(sorted(_stored(types))))
                yield Change(feed, event.fact.version, before.in_force)
        elif isinstance(event.fact, AgreementRevoked) and before.in_force is not None and not self._has_ended(before):
            yield Forget(feed, before.in_force, Reason.REVOKED)
        if after.holding is not before.holding:
            self._is_stale = True

    def _end_with(self, partner_id: UUID) -> Iterator[Forget]:
        self._removed.add(partner_id)
        for feed, agreement in self._agreements.items():
            if agreement.partner_id == partner_id and agreement.in_force is not None and not agreement.revoked:
                yield Forget(feed, agreement.in_force, Reason.REVOKED)
        self._is_stale = True

    def _forget_people(self, event: Event) -> Iterator[Forget]:
        known = self.reference.people
        is_erasure = event.type == PersonErased.TYPE
        if not is_erasure and event.type not in people.WITHDRAWING:
            return
        subject_ids = known.subjects_of(event.subject_id)
        for feed, agreement in self._agreements.items():
            if agreement.in_force is None or self._has_ended(agreement):
                continue
            needed = agreement.terms(agreement.in_force).consent
            if is_erasure:
                yield Forget(feed, agreement.in_force, Reason.ERASED, subject_ids)
            elif needed and not known.permits(event.subject_id, needed, event.recorded_at):
                yield Forget(feed, agreement.in_force, Reason.CONSENT, subject_ids)

    def _has_ended(self, agreement: Agreement) -> bool:
        return agreement.revoked or agreement.partner_id in self._removed

    def _index(self) -> None:
        """Agreements change seldom, facts come often."""
        self._candidates = {}
        for kept in (*self._kept(), *filter(self._is_held, self._held)):
            for shown in kept.terms.shows:
                self._candidates.setdefault(shown.type, Candidates()).add(kept)
        self._types, self._is_stale = _stored(TYPES | self._candidates.keys()), False

    def _kept(self) -> Iterator[InForce]:
        for feed, agreement in self._agreements.items():
            if agreement.holding is not None and agreement.in_force and not self._has_ended(agreement):
                yield self.compiled(feed, agreement.in_force, agreement)

    def _is_held(self, kept: InForce) -> bool:
        return self._agreements.get(kept.feed, UNKNOWN).in_force is None and kept.partner_id not in self._removed


def _stored(wanted: frozenset[str]) -> frozenset[str]:
    """The types, and the older forms that are read as one of them."""
    return wanted | {old for old in Fact.upcasters if newest(old) in wanted}
