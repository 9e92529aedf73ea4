"""Group commit: many callers, one writer; whatever waits while a transaction commits goes into the next one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Lock, Thread

import psycopg

from adapters.postgres.libpq import Connection, DatabaseAwayError, DatabaseRefusedError, first_line
from adapters.postgres.wire import EncodedAppend, decode_int, decode_int4s, decode_int8s, encode_array
from domain.errors import ConflictError, OutcomeUnknownError, RelatoError, UnavailableError
from domain.ports import KnownError, StaleError

LARGEST_GROUP = 256  # requests
LARGEST_GROUP_FACTS = 2_000  # so that the lock is held for tens of milliseconds, not more
RETRY_S = 0.2
CLOSED = "the ledger is closed"
# whatever the database's default: a snapshot from before the lock would miss what was appended meanwhile
READ_COMMITTED = "set session characteristics as transaction isolation level read committed"
TYPES = (
    "select 'ledger.new_fact'::regtype::oid::int8, 'ledger.command'::regtype::oid::int8, "
    "'ledger.expectation'::regtype::oid::int8"
)

Numbers = Sequence[tuple[int, int]]  # (position, partition_seq) of each fact
Answer = Numbers | RelatoError
Notify = Callable[[], None]
Watch = Callable[[int, int, float], None]


class Request:
    """One caller's append, and whom to notify of the outcome."""

    __slots__ = ("answer", "append", "deadline", "notify")

    def __init__(self, append: EncodedAppend, notify: Notify, timeout_s: float) -> None:
        self.append, self.notify, self.deadline = append, notify, time.monotonic() + timeout_s
        self.answer: Answer | None = None  # none while the outcome is unknown

    def finish(self, answer: Answer) -> None:
        self.answer = answer
        self.notify()

    def result(self) -> Numbers:
        """Raises StaleError, KnownError, UnavailableError, ConflictError; OutcomeUnknownError while there is none."""
        if self.answer is None:
            raise OutcomeUnknownError
        if isinstance(self.answer, RelatoError):
            raise self.answer
        return self.answer


class GroupCommit:
    """The one writer of a process. `watch` is told of each transaction: its requests, facts written, seconds."""

    def __init__(self, dsn: str) -> None:
        self._dsn, self._closing = dsn, False
        self.watch: Watch | None = None
        self._connection: Connection | None = None
        self._queue: SimpleQueue[Request | None] = SimpleQueue()  # none: the end
        self._next: Request | None = None  # taken, but for the next group
        self._thread = Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def append(self, append: EncodedAppend, timeout_s: float) -> Numbers:
        """Raises as the request's result does, past the deadline too."""
        done = Lock()
        done.acquire()
        request = self.submit(append, done.release, timeout_s)
        done.acquire(timeout=max(0.0, timeout_s))
        return request.result()

    def submit(self, append: EncodedAppend, notify: Notify, timeout_s: float) -> Request:
        """`notify` is called in the writer's thread, when the request has its result. Raises UnavailableError."""
        request = Request(append, notify, timeout_s)
        if self._closing:
            raise UnavailableError(CLOSED)
        self._queue.put(request)
        if self._closing:
            self._refuse_late()
        return request

    def close(self) -> None:
        """Waits until everything accepted is written."""
        self._closing = True
        self._queue.put(None)
        self._refuse_late()
        if self._connection:
            self._connection.close()

    def _refuse_late(self) -> None:
        """What was handed in while we closed, behind the end."""
        self._thread.join()
        with suppress(Empty):
            while True:
                if (late := self._queue.get_nowait()) is not None:
                    late.finish(UnavailableError(CLOSED))

    def _run(self) -> None:
        while group := self._take():
            self._commit(group)

    def _take(self) -> list[Request]:
        """Whatever waits, in its order; nothing at the end."""
        first, self._next = self._next or self._queue.get(), None
        if first is None:
            return []
        group, ids, facts = [first], set(first.append.command_ids), len(first.append)
        while len(group) < LARGEST_GROUP and facts < LARGEST_GROUP_FACTS and not self._queue.empty():
            if (request := self._queue.get()) is None:
                self._queue.put(None)
                break
            if not ids.isdisjoint(request.append.command_ids):  # a repeat waits for the first
                self._next = request
                break
            group.append(request)
            ids |= request.append.command_ids
            facts += len(request.append)
        return group

    def _commit(self, group: Sequence[Request]) -> None:
        """A lost connection is tried again until the last caller has gone: the commands' ids make the repeat safe."""
        answers: list[Answer]
        began = time.perf_counter()
        refusal: type[RelatoError] = DatabaseRefusedError
        while True:
            try:
                answers = self._append(group)
                break
            except DatabaseAwayError as error:
                self._connection = None
                refusal = OutcomeUnknownError  # from now on: what was lost may have been the reply to a commit
                if self._closing or time.monotonic() > max(request.deadline for request in group):
                    answers = [refusal(reason=first_line(error))] * len(group)
                    break
                time.sleep(RETRY_S)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                if len(group) > 1:  # one of them is bad: it alone shall fail
                    for request in group:
                        self._commit([request])
                    return
                answers = [ConflictError("the ledger refused the append", reason=first_line(error))]
                break
            except psycopg.Error as error:  # a full disk, a cancelled query, a standby: refused as a whole
                answers = [refusal(reason=first_line(error))] * len(group)
                break
        for request, answer in zip(group, answers, strict=True):
            request.finish(answer)
        if self.watch:
            facts = sum(len(answer) for answer in answers if not isinstance(answer, RelatoError))
            self.watch(len(group), facts, time.perf_counter() - began)

    def _append(self, group: Sequence[Request]) -> list[Answer]:
        connection = self._connect()
        numbered = list(enumerate((request.append for request in group), 1))
        row = connection(
            "select * from ledger.append($1, $2, $3)",
            encode_array(self._fact, [item for n, append in numbered for item in append.facts(n)]),
            encode_array(self._command, [item for n, append in numbered for item in append.commands(n)]),
            encode_array(self._expectation, [item for n, append in numbered for item in append.expectations(n)]),
        )
        base = decode_int(row.get_value(0, 0))
        known, stale = set(decode_int4s(row.get_value(0, 1))), set(decode_int4s(row.get_value(0, 2)))
        numbers = iter(enumerate(decode_int8s(row.get_value(0, 3)), base + 1))
        refused: dict[int, Answer] = {n: KnownError() if n in known else StaleError() for n in known | stale}
        return [refused.get(n) or list(islice(numbers, len(append))) for n, append in numbered]

    def _connect(self) -> Connection:
        if self._connection is None:
            connection = Connection(self._dsn)
            try:
                connection(READ_COMMITTED)
                oids = connection(TYPES)
            except BaseException:
                connection.close()
                raise
            self._fact, self._command, self._expectation = (decode_int(oids.get_value(0, n)) for n in range(3))
            self._connection = connection
        return self._connection
