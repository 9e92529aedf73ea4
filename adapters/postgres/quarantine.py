"""Which events of partners were taken, and those that are held in quarantine; and how far their topics were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from adapters.postgres.pooled import borrowed, open_pool
from domain.personal import Sealed
from projections.engine.statements import read_statements
from streams.inbound.errors import QuarantineFullError
from streams.inbound.quarantine import Held, Refused, State, Taken

MOST_HELD, MOST_BYTES = 10_000, 256 * 1024 * 1024  # of one partner: nobody looks at more, and no disk takes any number
_SQL = read_statements(Path(__file__).with_suffix(".sql"))


class PostgresQuarantine:
    """Implements Quarantine."""

    def __init__(self, dsn: str, *, most_held: int = MOST_HELD) -> None:
        self._pool, self._most_held = open_pool(dsn, most=4), most_held

    def taken(self, event_id: UUID) -> Taken | None:
        found = self._rows("taken", event=event_id)
        return Taken(bytes(found[0][0]), found[0][1]) if found else None

    def take(self, event_id: UUID, agreement_id: UUID, taken: Taken, held_id: UUID, by: str) -> None:
        given = {"event": event_id, "agreement": agreement_id, "id": held_id, "by": by, **taken._asdict()}
        self._run("take", given)

    def owner_of(self, held_id: UUID) -> UUID | None:
        found = self._rows("owner", id=held_id)
        return found[0][0] if found else None

    def hold(self, refused: Refused) -> None:
        given = {
            **refused._asdict(),
            "agreement": refused.agreement_id,
            "partner": refused.partner_id,
            "sealed": refused.event,
            "bytes": len(refused.event),
        }
        with borrowed(self._pool) as db:
            db.execute(_SQL["one_at_a_time"])
            if db.execute(_SQL["again"], given).fetchone():
                return
            if (room := db.execute(_SQL["room"], given).fetchone()) and not self._has_room(*room):
                raise QuarantineFullError(held=room[0])
            db.execute(_SQL["hold"], given)

    def _has_room(self, held: int, size_bytes: int) -> bool:
        return held < self._most_held and size_bytes < MOST_BYTES

    def refuse_again(self, held_id: UUID, code: str, reason: str) -> None:
        self._run("again", {"id": held_id, "code": code, "reason": reason})

    def count_held(self) -> int:
        return int(self._rows("count")[0][0])

    def find(self, held_id: UUID) -> Held | None:
        found = self._rows("find", id=held_id)
        return _held(found[0]) if found else None

    def read(
        self, agreement_id: UUID | None = None, state: State | None = None, *, after: int = 0, limit: int
    ) -> Sequence[Held]:
        return [_held(row) for row in self._rows("read", agreement=agreement_id, state=state, after=after, limit=limit)]

    def mend(self, held_id: UUID, event: Sealed, by: str) -> bool:
        return bool(self._rows("mend", id=held_id, sealed=event, bytes=len(event), by=by))

    def settle(self, held_id: UUID, state: State, by: str) -> bool:
        return bool(self._rows("settle", id=held_id, state=state, by=by))

    def old(self, before: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        return [(held_id, owner) for held_id, owner in self._rows("old", before=before, limit=limit)]

    def forget(self, held_ids: Sequence[UUID]) -> None:
        self._run("forget", {"ids": list(held_ids)})

    def close(self) -> None:
        self._pool.close()

    def _rows(self, statement: str, **given: object) -> Sequence[tuple[Any, ...]]:
        with borrowed(self._pool) as db:
            return db.execute(_SQL[statement], given).fetchall()

    def _run(self, statement: str, given: Mapping[str, object]) -> None:
        with borrowed(self._pool) as db:
            db.execute(_SQL[statement], given)


def _held(row: Sequence[Any]) -> Held:
    held = Held(*row)
    event = None if held.event is None else Sealed(held.event)
    return held._replace(state=State(held.state), name=Sealed(held.name), event=event)
