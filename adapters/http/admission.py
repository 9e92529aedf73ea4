"""Who has been recognised is noted, and may ask so often: a bucket of tokens for each principal, in memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from starlette.types import Scope

from adapters.http.errors import TooManyError
from adapters.http.observing import PRINCIPAL
from adapters.http.principal import Authenticate, Principal
from domain.cache import Cache

BURST_S = 2.0  # what was not asked for so long may be asked at once
REMEMBERED = 10_000
Clock = Callable[[], float]


class Rate:
    """So many requests a second for each principal. From one thread only."""

    def __init__(self, per_s: float, clock: Clock = time.monotonic) -> None:
        self._per_s, self._most, self._clock = per_s, max(1.0, per_s * BURST_S), clock
        self._buckets: Cache[str, tuple[float, float]] = Cache(REMEMBERED)

    def take(self, principal: str) -> None:
        """Raises TooManyError."""
        now = self._clock()
        tokens, since = self._buckets.get(principal) or (self._most, now)
        tokens = min(self._most, tokens + (now - since) * self._per_s)
        if tokens < 1:
            self._buckets.put(principal, (tokens, now))
            raise TooManyError(retry_after_s=math.ceil((1 - tokens) / self._per_s))
        self._buckets.put(principal, (tokens - 1, now))


class Admission:
    """Implements Authenticate around another."""

    def __init__(self, authenticate: Authenticate, rate: Rate | None) -> None:
        self._authenticate, self._rate = authenticate, rate

    async def __call__(self, scope: Scope) -> Principal:
        principal = await self._authenticate(scope)
        scope[PRINCIPAL] = principal.id
        if self._rate:
            self._rate.take(principal.id)
        return principal
