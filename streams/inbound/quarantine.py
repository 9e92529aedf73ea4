"""Which events of partners were taken, and those that were refused, as long as somebody may still mend them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.personal import Sealed


class State(StrEnum):
    HELD = "held"
    ACCEPTED = "accepted"
    DISCARDED = "discarded"


class Taken(NamedTuple):
    """An event that was taken: what tells its content from another's, and the token of what was written."""

    fingerprint: bytes
    token: str


class Refused(NamedTuple):
    """A refused event on its way into quarantine. `owner` is whose key seals it: nobody's but this event's.

    `name` holds the event's source and id; `event` all of it.
    """

    id: UUID
    agreement_id: UUID
    partner_id: UUID
    type: str | None
    code: str
    reason: str
    received_at: datetime
    fingerprint: bytes
    owner: UUID
    name: Sealed
    event: Sealed


class Held(NamedTuple):
    """An event in quarantine; `event` is none once it was taken or discarded. `seq` grows with each."""

    seq: int
    id: UUID
    agreement_id: UUID
    partner_id: UUID
    type: str | None
    code: str
    reason: str
    state: State
    attempts: int
    received_at: datetime
    refused_at: datetime
    mended_by: str | None
    decided_by: str | None
    decided_at: datetime | None
    fingerprint: bytes
    owner: UUID
    name: Sealed
    event: Sealed | None


class Quarantine(Protocol):
    """Durable when it answers. Raises UnavailableError."""

    def taken(self, event_id: UUID) -> Taken | None: ...

    def take(self, event_id: UUID, agreement_id: UUID, taken: Taken, held_id: UUID, by: str) -> None:
        """Keeps that it was taken, and settles what was held of it; again does no harm."""

    def owner_of(self, held_id: UUID) -> UUID | None: ...

    def hold(self, refused: Refused) -> None:
        """Once more, it counts the attempts, and keeps what is held. Raises QuarantineFullError."""

    def refuse_again(self, held_id: UUID, code: str, reason: str) -> None: ...

    def find(self, held_id: UUID) -> Held | None: ...

    def read(
        self, agreement_id: UUID | None = None, state: State | None = None, *, after: int = 0, limit: int
    ) -> Sequence[Held]:
        """By seq."""

    def mend(self, held_id: UUID, event: Sealed, by: str) -> bool:
        """False when it is not held any more."""

    def settle(self, held_id: UUID, state: State, by: str) -> bool:
        """It was taken or is discarded, and held no more; false when it was not held any more."""

    def old(self, before: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Those that came before then, each with its owner."""

    def forget(self, held_ids: Sequence[UUID]) -> None: ...
