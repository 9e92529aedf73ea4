"""The one way in for partners' events, by whichever transport: each is taken once, or refused and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from domain.agreement.decider import Agreement
from domain.agreement.terms import Terms
from domain.decider import Command
from domain.errors import RefusedError, RepeatedError, UnknownError
from domain.event import Origin
from domain.execute import Context, Executor, Outcome
from domain.period import holds
from domain.ports import Place, Vault
from streams.feeds.parties import agreement_in, is_removed
from streams.inbound.cloud import Sent
from streams.inbound.concerning import Bounds, Told, find_concerned
from streams.inbound.errors import EventTakenError, NotAcceptedError, NotInForceError
from streams.inbound.holding import Holding, held_id_of, print_of
from streams.inbound.kind import Sender
from streams.inbound.quarantine import Quarantine, Taken
from streams.inbound.types import TYPES


class Kind(StrEnum):
    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REFUSED = "refused"


class Verdict(NamedTuple):
    """What became of an event; `token` as a command's outcome has it. A refused one is held under `held_id`."""

    kind: Kind
    token: str = ""
    error: RefusedError | None = None
    held_id: UUID | None = None


class Arrival(NamedTuple):
    """An event as it came, fit or not, under an agreement of the partner's; `by` is who gives it.

    `fingerprint`: that of what the partner sent, where somebody mended it; `replayed_by`: who has it tried again.
    """

    agreement_id: UUID
    partner_id: UUID
    by: str
    content: Any
    received_at: datetime
    fingerprint: bytes | None = None
    replayed_by: str | None = None


class Intake:
    """Safe from many threads; whose events must be taken in their order gives one after the other."""

    def __init__(
        self,
        executor: Executor,
        vault: Vault,
        told: Told,
        quarantine: Quarantine,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self.quarantine, self.clock = quarantine, clock
        self._executor, self._vault, self._told = executor, vault, told
        self._holding = Holding(quarantine, vault)

    def agreement(self, agreement_id: UUID) -> Agreement:
        """Raises UnknownError."""
        return agreement_in(self._told, agreement_id)

    def take(self, arrival: Arrival) -> Verdict:
        """Raises UnavailableError, then it may be given again; so does QuarantineFullError, when it was refused."""
        try:
            return self.attempt(arrival)
        except RefusedError as error:
            return self.refuse(arrival, error)

    def refuse(self, arrival: Arrival, error: RefusedError) -> Verdict:
        """Raises UnavailableError."""
        return Verdict(Kind.REFUSED, error=error, held_id=self._holding.hold(arrival, error))

    def attempt(self, arrival: Arrival) -> Verdict:
        """Raises RefusedError, after which nothing is kept; UnavailableError."""
        sent = Sent.read(arrival.content)
        event_id = self.name(arrival.partner_id, sent.source, sent.id)
        print_ = arrival.fingerprint or print_of(arrival, self._vault)
        if taken := self.quarantine.taken(event_id):
            if taken.fingerprint != print_:
                raise EventTakenError
            return Verdict(Kind.REPEATED, taken.token)
        try:
            outcomes = self._give(arrival, sent, event_id)
        except RepeatedError as error:  # another with its name came at the same time
            raise EventTakenError from error
        places: list[Place] = [place for outcome in outcomes for place in outcome.places]
        token = Outcome(event_id, places).token
        held_id = held_id_of(arrival, self._vault, print_)
        settled_by = arrival.replayed_by or arrival.by
        self.quarantine.take(event_id, arrival.agreement_id, Taken(print_, token), held_id, settled_by)
        is_repeat = all(outcome.repeated for outcome in outcomes)
        return Verdict(Kind.REPEATED if is_repeat else Kind.ACCEPTED, token)

    def name(self, partner_id: UUID, source: str, id_: str) -> UUID:
        """An event's, which no other partner can give one of its own."""
        return self._vault.derive_id("inbound", f"{partner_id}\0{source}\0{id_}")

    def _give(self, arrival: Arrival, sent: Sent, event_id: UUID) -> Sequence[Outcome]:
        occurred_at = sent.time or arrival.received_at
        outcomes = list[Outcome]()
        for n, command in enumerate(self._commands(arrival, sent, event_id, occurred_at)):
            command_id = self._vault.derive_id("inbound command", f"{event_id} {n}")
            context = Context(command_id, arrival.by, Origin.PARTNER, occurred_at, correlation_id=event_id)
            outcomes.append(self._executor.execute(command, context))
        return outcomes

    def _commands(self, arrival: Arrival, sent: Sent, event_id: UUID, at: datetime) -> Sequence[Command]:
        terms = self._terms(arrival)
        scope, inbound = terms.accepted(sent.type), TYPES.get(sent.type)
        if scope is None or inbound is None:
            raise NotAcceptedError(type=sent.type, accepted=sorted(one.type for one in terms.accepts))
        data = inbound.read(sent.data)
        bounds = Bounds(arrival.partner_id, scope, terms.customers, at)
        concerned = find_concerned(inbound.asks(data), bounds, self._told)
        sender = Sender(arrival.partner_id, lambda name: self._vault.derive_id(f"inbound {name}", str(event_id)))
        return inbound.commands(data, concerned, sender)

    def _terms(self, arrival: Arrival) -> Terms:
        """Those that hold. Raises NotInForceError, UnknownError."""
        agreement, partner_id = self.agreement(arrival.agreement_id), arrival.partner_id
        if agreement.partner_id != partner_id:
            raise UnknownError(agreement=arrival.agreement_id)
        if is_removed(self._told, partner_id):
            raise NotInForceError("the partner was removed; nothing is taken from it")
        if (terms := agreement.holding) is None:
            raise NotInForceError(state=_state(agreement))
        if not holds(terms.valid_from or arrival.received_at, terms.valid_until, arrival.received_at):
            raise NotInForceError(valid_from=terms.valid_from, valid_until=terms.valid_until)
        return terms


def _state(agreement: Agreement) -> str:
    states: Mapping[str, bool] = {"revoked": agreement.revoked, "suspended": agreement.suspended}
    return next((name for name, holds_now in states.items() if holds_now), "never activated")
