"""A partner that was removed: until its feeds are closed its keys open those, and nothing else."""

from __future__ import annotations

import time
from uuid import UUID

from starlette.types import Scope

from adapters.http.principal import Authenticate, Principal
from adapters.http.workers import Workers
from domain.access.facts import Role
from domain.cache import Cache
from domain.ports import Ledger
from streams.feeds.parties import is_removed

TERM_S = 1.0  # how long one that was removed may be taken for one that was not
REMEMBERED = 10_000


class Leaving:
    """Implements Authenticate around another: who asks as a partner that was removed has no role any more."""

    def __init__(self, authenticate: Authenticate, ledger: Ledger, workers: Workers) -> None:
        self._authenticate, self._ledger, self._workers = authenticate, ledger, workers
        self._known: Cache[str, tuple[bool, float]] = Cache(REMEMBERED)

    async def __call__(self, scope: Scope) -> Principal:
        principal = await self._authenticate(scope)
        if any(held.role is Role.PARTNER for held in principal.roles) and await self._is_removed(principal.id):
            return principal._replace(roles=frozenset(), is_leaving=True)
        return principal

    async def _is_removed(self, id_: str) -> bool:
        if (known := self._known.get(id_)) and known[1] > time.monotonic():
            return known[0]
        found = await self._workers.run(_is_removed, self._ledger, id_)
        self._known.put(id_, (found, time.monotonic() + TERM_S))
        return found


def _is_removed(ledger: Ledger, id_: str) -> bool:
    try:
        return is_removed(ledger, UUID(id_))
    except ValueError:
        return False
