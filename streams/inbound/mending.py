"""What an administrator does with a refused event: mends it, has it tried again, or discards it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.errors import RefusedError, UnknownError
from domain.personal import ERASED, Sealed
from domain.ports import Vault
from streams.inbound.errors import NotHeldError
from streams.inbound.holding import reason_of, seal_event
from streams.inbound.intake import Arrival, Intake, Kind, Verdict
from streams.inbound.quarantine import Held, State


class Mending:
    """Over an intake's quarantine. Raises UnavailableError."""

    def __init__(self, intake: Intake, vault: Vault) -> None:
        self._intake, self._quarantine, self._vault = intake, intake.quarantine, vault

    def find(self, held_id: UUID) -> Held:
        """Raises UnknownError."""
        if (held := self._quarantine.find(held_id)) is None:
            raise UnknownError(refused_event=held_id)
        return held

    def mend(self, held_id: UUID, by: str, *, data: Mapping[str, Any] | None, event: Mapping[str, Any] | None) -> None:
        """Other data, or all of the event anew. Raises UnknownError, NotHeldError."""
        held, token = self._held(held_id)
        content = event if event is not None else {**self._opened(token), "data": data}
        try:
            sealed = seal_event(self._vault, held.owner, content)
        except RefusedError as error:
            raise NotHeldError(state="swept") from error
        if not self._quarantine.mend(held_id, sealed, by):
            raise NotHeldError

    def replay(self, held_id: UUID, by: str) -> Verdict:
        """As if it came again; what was mended is given by who mended it. Raises UnknownError, NotHeldError."""
        held, token = self._held(held_id)
        arrival = Arrival(
            held.agreement_id,
            held.partner_id,
            held.mended_by or str(held.partner_id),
            self._opened(token),
            held.received_at,
            held.fingerprint,
            replayed_by=by,
        )
        try:
            verdict = self._intake.attempt(arrival)
        except RefusedError as error:
            self._quarantine.refuse_again(held_id, error.code(), reason_of(error))
            return Verdict(Kind.REFUSED, error=error, held_id=held_id)
        self._quarantine.settle(held_id, State.ACCEPTED, by)
        return verdict

    def discard(self, held_id: UUID, by: str) -> None:
        """Raises UnknownError, NotHeldError."""
        self._held(held_id)
        if not self._quarantine.settle(held_id, State.DISCARDED, by):
            raise NotHeldError

    def _held(self, held_id: UUID) -> tuple[Held, Sealed]:
        held = self.find(held_id)
        if held.state is not State.HELD or held.event is None:
            raise NotHeldError(state=held.state.value)
        return held, held.event

    def _opened(self, event: Sealed) -> Mapping[str, Any]:
        """For nobody to see: to be taken, or sealed again."""
        (content,) = self._vault.open([event])
        if content is ERASED:
            raise NotHeldError(state="swept")
        return content if isinstance(content, Mapping) else {}
