"""Ids in order of time."""

from __future__ import annotations

import os
import time
from uuid import UUID, SafeUUID

_FIXED = 7 << 76 | 2 << 62  # version and variant
_FREE = ~(0xF << 76 | 3 << 62)
_RANDOM_BYTES, _AT_ONCE = 10, 256

# Each request to the kernel gives the other threads a turn at the interpreter: beside 32 of them that cost 50 us an id.
_drawn: list[bytes] = []
os.register_at_fork(after_in_child=_drawn.clear)


_blank = object.__new__
_set_int, _set_is_safe = vars(UUID)["int"].__set__, vars(UUID)["is_safe"].__set__  # its slots, past its checks


def uuid_of(value: int) -> UUID:
    """Equal to `UUID(int=value)` at half the cost; the value must have 128 bits."""
    made = _blank(UUID)
    _set_int(made, value)
    _set_is_safe(made, SafeUUID.unknown)
    return made


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562): new rows land together in an index."""
    return uuid_of(_draw())


def uuid7_bytes() -> bytes:
    """The same where only its bytes are wanted, at half the cost."""
    return _draw().to_bytes(16, "big")


def _draw() -> int:
    value = time.time_ns() // 1_000_000 << 80 | int.from_bytes(_random_bytes(), "big")
    return value & _FREE | _FIXED


def _random_bytes() -> bytes:
    """Ten of the kernel's, each handed out once."""
    try:
        return _drawn.pop()
    except IndexError:  # another thread may find the same: both draw
        fresh = os.urandom(_RANDOM_BYTES * _AT_ONCE)
        _drawn.extend(fresh[at : at + _RANDOM_BYTES] for at in range(_RANDOM_BYTES, len(fresh), _RANDOM_BYTES))
        return fresh[:_RANDOM_BYTES]
