"""The two sides of a feed, as the ledger tells of them: its agreement, and whether its partner was removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.agreement.decider import Agreement
from domain.agreement.decider import agreement as agreements
from domain.decision import fold
from domain.errors import ConflictError, UnknownError
from domain.event import Event
from domain.partner.decider import UNKNOWN, Partner
from domain.partner.decider import partner as partners


class Loads(Protocol):
    """The ledger, or what reads it. Raises UnavailableError."""

    def load(self, stream_ids: Sequence[UUID]) -> Sequence[Event]:
        """All facts of these streams, each stream's in its order."""


def agreement_in(ledger: Loads, agreement_id: UUID) -> Agreement:
    """Raises UnknownError."""
    state = fold(ledger.load([agreement_id]), {agreement_id: [agreements]})[agreement_id].state
    if not isinstance(state, Agreement):
        raise UnknownError(agreement=agreement_id)
    return state


def is_removed(ledger: Loads, partner_id: UUID) -> bool:
    return _partner_in(ledger, partner_id).removed


def require_partner(ledger: Loads, partner_id: UUID) -> None:
    """Raises UnknownError; ConflictError for one that was removed."""
    partner = _partner_in(ledger, partner_id)
    if not partner.registered:
        raise UnknownError(partner=partner_id)
    if partner.removed:
        raise ConflictError("the partner was removed")


def _partner_in(ledger: Loads, partner_id: UUID) -> Partner:
    state = fold(ledger.load([partner_id]), {partner_id: [partners]})[partner_id].state
    return state if isinstance(state, Partner) else UNKNOWN
