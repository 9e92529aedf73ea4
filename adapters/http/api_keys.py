"""API keys: whose they are is in the key, whether they open is in the ledger's facts, remembered for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from starlette.types import Scope

from adapters.access.api_key import ApiKey, parse_key
from adapters.http.errors import UnauthenticatedError
from adapters.http.principal import Principal
from adapters.http.workers import Workers
from domain.access.decider import Access, access
from domain.access.facts import Rows
from domain.cache import Cache
from domain.decision import fold
from domain.ports import Ledger

TERM_S = 1.0  # how long a key that was revoked, or has expired, may still open
REMEMBERED = 10_000
BEARER = b"bearer "
TeamOf = Callable[[UUID], tuple[str, ...]]
"""The ids of those whose rows somebody with the scope team sees."""


class Known(NamedTuple):
    """Who a header's key opens for, until `until` on the monotonic clock."""

    principal: Principal
    until: float


class ApiKeys:
    """Implements Authenticate."""

    def __init__(self, ledger: Ledger, workers: Workers, clock: Callable[[], datetime], team_of: TeamOf) -> None:
        self._ledger, self._workers, self._clock, self._team_of = ledger, workers, clock, team_of
        self._known: Cache[bytes, Known] = Cache(REMEMBERED)

    async def __call__(self, scope: Scope) -> Principal:
        header: bytes = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if (known := self._known.get(header)) and known.until > time.monotonic():
            return known.principal
        key = parse_key(header[len(BEARER) :].decode("latin-1").strip()) if header.lower().startswith(BEARER) else None
        if key is None:
            raise UnauthenticatedError
        found = await self._workers.run(self._read, key)
        if not found.opens(key.hash, self._clock()):
            raise UnauthenticatedError
        principal = await self._workers.run(principal_for, found, key.access_id, self._team_of)
        self._known.put(header, Known(principal, time.monotonic() + TERM_S))
        return principal

    def _read(self, key: ApiKey) -> Access:
        return read_access(self._ledger, key.access_id)


def read_access(ledger: Ledger, access_id: UUID) -> Access:
    stream = fold(ledger.load([access_id]), {access_id: [access]})[access_id]
    return stream.state if isinstance(stream.state, Access) else access.initial


def principal_for(found: Access, access_id: UUID, team_of: TeamOf) -> Principal:
    """The team is read only for who needs it: it takes a read model."""
    acts_as = found.acts_as or access_id
    has_team = any(held.scope is Rows.TEAM for held in found.roles)
    return Principal(str(acts_as), found.roles, team_of(acts_as) if has_team else ())
