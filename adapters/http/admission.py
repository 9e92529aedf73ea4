"""Who has been recognised is noted, and may ask so often; from an address that guesses keys, none is tried for a while.

Buckets of tokens, in the memory of this process.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from contextlib import suppress

from starlette.types import Scope

from adapters.http.errors import GuessingError, TooManyError, UnauthenticatedError
from adapters.http.observing import PRINCIPAL
from adapters.http.principal import Authenticate, Principal
from domain.cache import Cache

IPV6_NETWORK = 64  # bits: what one customer of a provider has at least
BURST_S = 2.0  # what was not asked for so long may be asked at once
REMEMBERED = 10_000
Clock = Callable[[], float]


class Rate:
    """So many a second for each key, and `most` at once. From one thread only."""

    def __init__(self, per_s: float, most: float | None = None, clock: Clock = time.monotonic) -> None:
        self._per_s, self._most, self._clock = per_s, most or max(1.0, per_s * BURST_S), clock
        self._buckets: Cache[str, tuple[float, float]] = Cache(REMEMBERED)

    def wait_s(self, key: str) -> float:
        """Until there is a token; 0 when there is one."""
        return max(0.0, (1 - self._tokens(key)) / self._per_s)

    def take(self, key: str) -> None:
        """Raises TooManyError."""
        tokens = self._tokens(key)
        if tokens < 1:
            raise TooManyError(retry_after_s=math.ceil((1 - tokens) / self._per_s))
        self._buckets.put(key, (tokens - 1, self._clock()))

    def _tokens(self, key: str) -> float:
        if (found := self._buckets.get(key)) is None:
            return self._most
        tokens, since = found
        return min(self._most, tokens + (self._clock() - since) * self._per_s)


class Guesses:
    """So many keys that open nothing may come from one address in a minute; a caller that is known is let pass."""

    def __init__(self, per_minute: int, clock: Clock = time.monotonic) -> None:
        self._rate = Rate(per_minute / 60, per_minute, clock)
        self._opened: Cache[bytes, bool] = Cache(REMEMBERED)

    def check(self, header: bytes, address: str) -> None:
        """Raises GuessingError, before a key is looked at that may be a guess."""
        if not self._opened.get(header) and (wait_s := self._rate.wait_s(address)):
            raise GuessingError(retry_after_s=math.ceil(wait_s))

    def note_failure(self, header: bytes, address: str) -> None:
        self._opened.forget([header])
        with suppress(TooManyError):  # others of its guesses were under way
            self._rate.take(address)

    def note_success(self, header: bytes) -> None:
        if not self._opened.get(header):
            self._opened.put(header, value=True)


class Admission:
    """Implements Authenticate around another.

    Whom a request has admitted is asked again while it lasts (`standing`): that counts for nothing, or who asks much,
    or guesses, would keep their own streams from being looked at.
    """

    def __init__(self, authenticate: Authenticate, rate: Rate | None, guesses: Guesses | None = None) -> None:
        self._authenticate, self._rate, self._guesses = authenticate, rate, guesses

    async def __call__(self, scope: Scope) -> Principal:
        if PRINCIPAL in scope:
            return await self._authenticate(scope)
        principal = await (self._recognise(scope, self._guesses) if self._guesses else self._authenticate(scope))
        scope[PRINCIPAL] = principal.id
        if self._rate:
            self._rate.take(principal.id)
        return principal

    async def _recognise(self, scope: Scope, guesses: Guesses) -> Principal:
        header: bytes = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if not header:  # guesses nothing
            return await self._authenticate(scope)
        address = address_of(scope)
        guesses.check(header, address)
        try:
            principal = await self._authenticate(scope)
        except UnauthenticatedError:
            guesses.note_failure(header, address)
            raise
        guesses.note_success(header)
        return principal


def address_of(scope: Scope) -> str:
    """Who is connected; of IPv6 the network, for one caller has all of it."""
    host = (scope.get("client") or ("",))[0]
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host.partition("%")[0])
    return str(address.ipv4_mapped or ipaddress.IPv6Network((address, IPV6_NETWORK), strict=False))
