"""Room for what lasts or is large: so much of it at once, and so much of one caller's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.http.errors import CrowdingError, OverloadedError


class Room:
    """From one event loop only."""

    def __init__(self, most: int, each: int | None = None) -> None:
        self._most, self._each = most, each or most
        self._taken = Counter[str]()

    @property
    def taken(self) -> int:
        return self._taken.total()

    @property
    def is_full(self) -> bool:
        return self.taken >= self._most

    @contextmanager
    def taken_by(self, caller: str) -> Iterator[None]:
        """Raises OverloadedError when all of it is taken, CrowdingError when the caller's share is."""
        if self.is_full:
            raise OverloadedError(under_way=self.taken)
        if self._taken[caller] >= self._each:
            raise CrowdingError
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]
