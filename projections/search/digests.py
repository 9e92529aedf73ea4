"""Marks as they are kept: keyed digests that mean nothing outside the installation."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from domain.cache import Cache
from domain.personal import Erased, Sealed

REMEMBERED = 50_000
_to_int8 = struct.Struct("!q").unpack_from


class Opener(Protocol):
    """Opens sealed values, and digests under the installation's secret. A Vault does. Raises UnavailableError."""

    def open(self, values: Sequence[Sealed]) -> Sequence[Any | Erased]: ...

    def fingerprint(self, content: bytes) -> bytes:
        """16 bytes."""


class Digests:
    """Trigrams, of which there are few, are remembered; words are not."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._trigrams: Cache[str, int] = Cache(REMEMBERED)

    def of(self, marks: Iterable[str]) -> list[int]:
        return [self._trigram(mark) if mark.startswith("3:") else self._digest(mark) for mark in marks]

    def _trigram(self, mark: str) -> int:
        if (known := self._trigrams.get(mark)) is None:
            known = self._digest(mark)
            self._trigrams.put(mark, known)
        return known

    def _digest(self, mark: str) -> int:
        number: int = _to_int8(self._opener.fingerprint(b"search\0" + mark.encode()))[0]
        return number
