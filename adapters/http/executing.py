"""Commands given by coroutines: what is remembered is decided on at once, on the loop; a thread does the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from adapters.http.workers import Workers
from domain.decider import Command
from domain.execute import Context, Executor, Outcome
from domain.ports import KnownError, StaleError

HAND_OVER_S = 0.0005


@contextmanager
def handing_over() -> Iterator[None]:
    """For the process whose loop gives commands: the ledger's writer begins while the others are decided, not after.

    By default a thread that computes is asked for the lock after 5 ms, by which time all that wait are decided.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(HAND_OVER_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


async def execute(
    executor: Executor, workers: Workers, command: Command, context: Context, *, is_new: bool = False
) -> Outcome:
    """As Executor.execute; raises OverloadedError besides. `is_new`: the addressed id was made for this command."""
    begin = partial(executor.begin, command, context, is_new=is_new)
    if outcome := await workers.hear(begin, context.timeout_s):
        try:
            return outcome()
        except (StaleError, KnownError):  # nothing was written: somebody was faster, perhaps we ourselves
            pass
    return await workers.run(executor.execute, command, context)
