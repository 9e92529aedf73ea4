"""Which part of a file is asked for (RFC 9110): one range of bytes; anything else is the whole."""

from __future__ import annotations

import re
from typing import NamedTuple

from adapters.http.errors import RangeError

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Range(NamedTuple):
    """The bytes from `first` up to before `end`."""

    first: int
    end: int


def parse_range(header: str | None, size: int) -> Range | None:
    """None for the whole file; RangeError for a part that it does not have."""
    if header is None or not (found := RANGE.fullmatch(header.replace(" ", ""))):
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        part = Range(max(0, size - int(last)), size)
    else:
        part = Range(int(first), min(size, int(last) + 1) if last else size)
        if last and int(last) < int(first):
            return None
    if part.first >= size or part.first >= part.end:
        raise RangeError(size=size)
    return part
