"""Ids in order of time."""

from __future__ import annotations

import os
import time
from uuid import UUID

_FIXED = 7 << 76 | 2 << 62  # version and variant
_FREE = ~(0xF << 76 | 3 << 62)


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562): new rows land together in an index."""
    return UUID(int=_draw())


def uuid7_bytes() -> bytes:
    """The same where only its bytes are wanted, at half the cost."""
    return _draw().to_bytes(16, "big")


def _draw() -> int:
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    return value & _FREE | _FIXED
