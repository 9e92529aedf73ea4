"""Commands given by coroutines: what is remembered is decided on at once, on the loop; a thread does the rest."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

from adapters.http.errors import OverloadedError
from adapters.http.workers import Workers
from domain.decider import Command
from domain.execute import Context, Executor, Outcome
from domain.ports import KnownError, StaleError


class Turns:
    """Who writes to one stream takes turns: of many at once one would win, and the others decide anew, again and again.

    From one event loop only.
    """

    def __init__(self) -> None:
        self._taken: dict[UUID, tuple[asyncio.Lock, int]] = {}  # and how many want it

    async def take(self, stream_id: UUID, within_s: float) -> None:
        """In the order of asking. Raises OverloadedError when the turn has not come in time; nothing was done."""
        lock, wanted = self._taken.get(stream_id) or (asyncio.Lock(), 0)
        self._taken[stream_id] = lock, wanted + 1
        try:
            if lock.locked():
                async with asyncio.timeout(within_s):
                    await lock.acquire()
            else:
                await lock.acquire()
        except BaseException as error:
            self._leave(stream_id)
            if isinstance(error, TimeoutError):
                raise OverloadedError(stream=stream_id, waiting=wanted) from error
            raise

    def give_back(self, stream_id: UUID) -> None:
        self._taken[stream_id][0].release()
        self._leave(stream_id)

    def _leave(self, stream_id: UUID) -> None:
        lock, wanted = self._taken.pop(stream_id)
        if wanted > 1:
            self._taken[stream_id] = lock, wanted - 1


class Callers:
    """Gives the commands of coroutines. From one event loop only."""

    def __init__(self, executor: Executor, workers: Workers) -> None:
        self._executor, self._workers, self._turns = executor, workers, Turns()

    async def execute(self, command: Command, context: Context, *, is_new: bool = False) -> Outcome:
        """As Executor.execute; raises OverloadedError besides. `is_new`: the addressed id was made for this command."""
        if is_new:
            return await self._execute(command, context, is_new=True)
        clock, stream_id = asyncio.get_running_loop().time, self._executor.address_of(command)
        began = clock()
        await self._turns.take(stream_id, context.timeout_s / 2)  # the rest is for doing it
        try:
            left_s = context.timeout_s - (clock() - began)
            return await self._execute(command, context._replace(timeout_s=left_s), is_new=False)
        finally:
            self._turns.give_back(stream_id)

    async def _execute(self, command: Command, context: Context, *, is_new: bool) -> Outcome:
        begin = partial(self._executor.begin, command, context, is_new=is_new)
        if outcome := await self._workers.hear(begin, context.timeout_s):
            try:
                return outcome()
            except (StaleError, KnownError):  # nothing was written: somebody was faster, perhaps we ourselves
                pass
        return await self._workers.run(self._executor.execute, command, context)
