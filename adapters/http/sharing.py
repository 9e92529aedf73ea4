"""What many ask for at once is found out once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """What `find` answers, asked again when that is `for_s` old. From one event loop only."""

    def __init__(self, find: Callable[[], Coroutine[Any, Any, T]], for_s: float) -> None:
        self._find, self._for_s = find, for_s
        self._found: asyncio.Future[T] | None = None
        self._asked_at = 0.0

    async def get(self) -> T:
        """Raises what `find` raises."""
        now = asyncio.get_running_loop().time()
        if self._found is None or self._found.cancelled() or now - self._asked_at >= self._for_s:
            self._found, self._asked_at = asyncio.ensure_future(self._find()), now
        return await asyncio.shield(self._found)
