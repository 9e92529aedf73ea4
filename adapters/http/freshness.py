"""A reader who brings a write's token waits until what was written is folded, for a moment."""

from __future__ import annotations

import asyncio
import time

from adapters.http.errors import NotFoldedError
from adapters.http.parts import Parts
from domain.errors import InvalidError
from domain.event import PARTITIONS
from projections.engine.progress import parse_token

FIRST_WAIT_S, LONGEST_WAIT_S = 0.002, 0.1
LARGEST_SEQ = 2**63 - 1


async def await_folded(parts: Parts, service: str, token: str | None) -> None:
    """Raises InvalidError for what is no token, NotFoldedError when the time is up. No thread waits meanwhile."""
    if not token:
        return
    places = parse_token(token)
    if not all(0 <= partition < PARTITIONS and 0 <= seq <= LARGEST_SEQ for partition, seq in places.items()):
        raise InvalidError("no such token; send back the one that the write answered", token=token)
    deadline, wait_s = time.monotonic() + parts.limits.fold_s, FIRST_WAIT_S
    while await parts.workers.run(parts.pages.count_behind, service, places):
        if time.monotonic() > deadline:
            raise NotFoldedError(service=service)
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 1.5, LONGEST_WAIT_S)
