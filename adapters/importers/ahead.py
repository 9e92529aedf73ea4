"""A second process that reads and maps a large file, a portion ahead of the one that settles."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Self

from adapters.importers.errors import ReaderLostError
from adapters.importers.lane import AT_EASE
from adapters.importers.parcels import Packer, Parcel, unpack
from adapters.importers.portions import Portion, Task
from adapters.importers.recipes import Recipe
from domain.errors import RelatoError

LARGE_BYTES = 1_000_000  # a smaller file is read before another process has begun
UP = "up"
Keyed = Callable[[bytes], bytes]
Told = tuple[Parcel, int, int, bool]


class ReadAhead:
    """It is told from which row on when it is up, and ends with us, however we end."""

    def __init__(self, task: Task, recipes: Sequence[Recipe], keyed: Keyed) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share our sessions
        self._recipes = recipes
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_read_ahead, args=(task, keyed, theirs), name="import-reader")
        resource_tracker.ensure_running()  # starting it would unblock what we block
        # a terminal's Ctrl-C is ours: what is blocked here is blocked there from its first moment on
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._process.terminate()
        self._process.join()

    def is_up(self) -> bool:
        return self._ours.poll()

    def portions(self, after: int) -> Iterator[Portion]:
        """Raises what reading raised there, and ReaderLostError when that process was killed."""
        self._receive()
        self._tell(after)
        while (told := self._receive()) is not None:
            parcel, seq, bytes_read, waited = told
            yield Portion(unpack(parcel, self._recipes), seq, bytes_read, waited)

    def _tell(self, after: int) -> None:
        with suppress(ConnectionError):  # what follows says why
            self._ours.send(after)

    def _receive(self) -> Told | None:
        try:
            told: Told | RelatoError | None = self._ours.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            raise ReaderLostError(exit_code=self._process.exitcode) from error
        if isinstance(told, RelatoError):
            raise told
        return told


def _read_ahead(task: Task, keyed: Keyed, theirs: Connection) -> None:
    gc.set_threshold(*AT_EASE)
    with suppress(ConnectionError, EOFError):  # whoever it was for has gone
        try:
            _send_portions(task, keyed, theirs)
        except RelatoError as error:
            theirs.send(error)


def _send_portions(task: Task, keyed: Keyed, theirs: Connection) -> None:
    with task.read() as reading:
        plan = task.plan(reading)
        packer = Packer(plan.recipes, keyed)
        theirs.send(UP)
        for portion in task.portions(plan, reading, after=theirs.recv()):
            theirs.send((packer.pack(portion.items), *portion[1:]))
        theirs.send(None)
