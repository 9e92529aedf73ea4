"""Partners' events for tests: in a few words, and an intake over a ledger in memory with its quarantine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.ids import uuid7
from domain.event import Event
from domain.personal import Sealed
from streams.feeds import people
from streams.inbound.errors import QuarantineFullError
from streams.inbound.intake import Arrival, Intake, Verdict
from streams.inbound.mending import Mending
from streams.inbound.quarantine import Held, Refused, State, Taken
from tests.world import NOW, World

ALL_TYPES = ("partner.availability.v1", "partner.shipment.v1", "partner.service_done.v1", "partner.lead.v1")


def event(type_: str, data: Any, id_: str = "1", **more: Any) -> dict[str, Any]:
    """`type_` without what all of them have."""
    named = {"specversion": "1.0", "id": id_, "source": "/erp", "type": f"partner.{type_}.v1"}
    return {**named, "data": data, **more}


def accepting(*types: str, scope: str = "supplier", **more: Any) -> dict[str, Any]:
    """Terms that accept these, without what all of them have; each in the scope of the agreement."""
    shown = {"type": "crm.order.placed.v1", "fields": ["number"]}
    accepts = [{"type": f"partner.{one}.v1"} for one in types]
    return {"purpose": "to deliver", "shows": [shown], "scope": scope, "accepts": accepts, **more}


class MemoryQuarantine:
    """A Quarantine."""

    def __init__(self, most: int = 1_000) -> None:
        self._taken: dict[UUID, Taken] = {}
        self._rows: dict[UUID, Held] = {}
        self._most, self._last = most, 0

    def taken(self, event_id: UUID) -> Taken | None:
        return self._taken.get(event_id)

    def take(self, event_id: UUID, agreement_id: UUID, taken: Taken, held_id: UUID, by: str) -> None:
        del agreement_id
        self._taken.setdefault(event_id, taken)
        self.settle(held_id, State.ACCEPTED, by)

    def owner_of(self, held_id: UUID) -> UUID | None:
        return self._rows[held_id].owner if held_id in self._rows else None

    def hold(self, refused: Refused) -> None:
        known = self._rows.get(refused.id)
        if known and known.state is State.HELD:
            self.refuse_again(refused.id, refused.code, refused.reason)
            return
        if sum(1 for one in self._rows.values() if one.state is State.HELD) >= self._most:
            raise QuarantineFullError(held=self._most)
        self._last += 1
        attempts = known.attempts + 1 if known else 1
        seq = known.seq if known else self._last
        now, more = datetime.now().astimezone(), refused._asdict()
        self._rows[refused.id] = Held(
            seq=seq, state=State.HELD, attempts=attempts, refused_at=now, mended_by=None, decided_by=None,
            decided_at=None, **more,
        )  # fmt: skip

    def refuse_again(self, held_id: UUID, code: str, reason: str) -> None:
        known = self._rows[held_id]
        self._rows[held_id] = known._replace(attempts=known.attempts + 1, code=code, reason=reason)

    def find(self, held_id: UUID) -> Held | None:
        return self._rows.get(held_id)

    def read(
        self, agreement_id: UUID | None = None, state: State | None = None, *, after: int = 0, limit: int
    ) -> Sequence[Held]:
        found = [one for one in self._rows.values() if agreement_id in (None, one.agreement_id)]
        return sorted(one for one in found if state in (None, one.state) and one.seq > after)[:limit]

    def mend(self, held_id: UUID, event: Sealed, by: str) -> bool:
        return self._change(held_id, event=event, mended_by=by)

    def settle(self, held_id: UUID, state: State, by: str) -> bool:
        now = datetime.now().astimezone()
        return self._change(held_id, state=state, event=None, decided_by=by, decided_at=now)

    def _change(self, held_id: UUID, **more: Any) -> bool:
        known = self._rows.get(held_id)
        if known is None or known.state is not State.HELD:
            return False
        self._rows[held_id] = known._replace(**more)
        return True

    def old(self, before: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        return [(one.id, one.owner) for one in self._rows.values() if one.received_at < before][:limit]

    def forget(self, held_ids: Sequence[UUID]) -> None:
        for held_id in held_ids:
            del self._rows[held_id]


class MemoryTold:
    """Told, over a ledger in memory."""

    def __init__(self, world: World) -> None:
        self._ledger = world.ledger
        self.load = world.ledger.load

    def _all(self) -> Sequence[Event]:
        return self._ledger.read(0, self._ledger.last_position())

    def load_of(self, stream_ids: Sequence[UUID], types: Collection[str]) -> Sequence[Event]:
        return [one for one in self.load(stream_ids) if one.type in types]

    def told_of(self, subject_ids: Collection[UUID]) -> Sequence[Event]:
        return [one for one in self._all() if one.subject_id in subject_ids and one.type in people.TYPES]

    def territories(self) -> Sequence[Event]:
        return [one for one in self._all() if one.type.startswith("crm.territory.")]


@dataclass
class Desk:
    """A partner with an agreement that sends events, in a world of its own."""

    world: World = field(default_factory=World)
    partner_id: UUID = field(default_factory=uuid7)
    agreement_id: UUID = field(default_factory=uuid7)
    quarantine: MemoryQuarantine = field(default_factory=MemoryQuarantine)

    def __post_init__(self) -> None:
        self.world.do("partner.register", partner_id=self.partner_id, name="Olaria", kind="supplier")
        told, world = MemoryTold(self.world), self.world
        self.intake = Intake(world.here, world.vault, told, self.quarantine, clock=lambda: world.now)
        self.mending = Mending(self.intake, world.vault)

    def agree(self, terms: dict[str, Any], *, active: bool = True) -> None:
        ids = {"agreement_id": self.agreement_id}
        self.world.do("agreement.draft", partner_id=self.partner_id, terms=terms, **ids)
        if active:
            self.world.do("agreement.activate", **ids)

    def send(self, content: Any) -> Verdict:
        return self.intake.take(self.arrival(content))

    def arrival(self, content: Any) -> Arrival:
        return Arrival(self.agreement_id, self.partner_id, str(self.partner_id), content, NOW)

    def product(self, supplier_id: UUID | None = None) -> UUID:
        product_id = uuid7()
        self.world.do("product.register", product_id=product_id, name="jar", supplier_id=supplier_id or self.partner_id)
        return product_id

    def order(self, *products: UUID, customer_id: UUID | None = None) -> UUID:
        order_id = uuid7()
        lines = [{"product_id": one, "quantity": 2, "amount_minor": 100} for one in products]
        given = {"number": "1", "currency": "EUR", "lines": lines, "customer_id": customer_id}
        self.world.do("order.place", order_id=order_id, **given)
        return order_id

    def ticket(self, **more: Any) -> UUID:
        ticket_id = uuid7()
        self.world.do("ticket.open", ticket_id=ticket_id, **more)
        return ticket_id

    def types(self, stream_id: UUID) -> list[str]:
        return [one.type.split(".", 1)[1].removesuffix(".v1") for one in self.world.ledger.load([stream_id])]

    @property
    def held(self) -> Sequence[Held]:
        return self.quarantine.read(state=State.HELD, limit=1_000)
