"""Ids that come from a seed: the same company gives the same ids, in order of time."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

MASK, VERSION_8 = ~(0xF << 76 | 3 << 62), 8 << 76 | 2 << 62


class SeededIds:
    """UUIDv8: milliseconds as in UUIDv7, so that an index grows at its end, and a digest of the company and a count.

    Not keyed by the installation's secret: what is made up is nobody's.
    """

    def __init__(self, company: str) -> None:
        self._company = blake2b(company.encode()).digest()
        self._count = 0

    def next(self, milliseconds: int) -> UUID:
        self._count += 1
        digest = blake2b(self._count.to_bytes(8, "big"), digest_size=10, key=self._company).digest()
        value = milliseconds << 80 | int.from_bytes(digest, "big")
        return UUID(int=value & MASK | VERSION_8)
