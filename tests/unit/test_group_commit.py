"""The one writer: what is tried again, what is refused, and when nobody can say whether it was written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.postgres import group_commit
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.libpq import DatabaseAwayError, DatabaseRefusedError
from adapters.postgres.wire import INT4, EncodedAppend, encode_array, encode_int8
from domain.canonical import INT8
from domain.errors import ConflictError, OutcomeUnknownError, UnavailableError
from domain.ports import Append, KnownError, StaleError
from tests.contracts.ledger_contract import A_FACT, write

Answers = Callable[[int], bytes]  # the answer's column


def numbers(oid: int, values: Sequence[int], size: int) -> bytes:
    return encode_array(oid, [size.to_bytes(4, "big") + value.to_bytes(size, "big") for value in values])


def answer(base: int, *, known: Sequence[int] = (), stale: Sequence[int] = (), seqs: Sequence[int] = ()) -> Answers:
    columns = (encode_int8(base), numbers(INT4, known, 4), numbers(INT4, stale, 4), numbers(INT8, seqs, 8))
    return columns.__getitem__


class Row:
    def __init__(self, column: Answers) -> None:
        self._column = column

    def get_value(self, _: int, column: int) -> bytes:
        return self._column(column)


class Script:
    """A database that answers as it is told, one call after the other; `sent` is the number of facts of each."""

    def __init__(self) -> None:
        self.steps: list[Answers | psycopg.Error | DatabaseAwayError] = []
        self.sent: list[int] = []
        self.gate, self.arrived = threading.Event(), threading.Event()
        self.gate.set()

    def ask(self, sql: str, *params: bytes) -> Row:
        if sql in (group_commit.READ_COMMITTED, group_commit.TYPES):
            return Row(lambda _: encode_int8(1))
        self.arrived.set()
        self.gate.wait()
        self.sent.append(int.from_bytes(params[0][12:16], "big"))
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return Row(step)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()

    class Connection:
        def __init__(self, dsn: str) -> None: ...
        def __call__(self, sql: str, *params: bytes) -> Row:
            return script.ask(sql, *params)

        def close(self) -> None: ...

    monkeypatch.setattr(group_commit, "Connection", Connection)
    monkeypatch.setattr(group_commit, "RETRY_S", 0.001)
    return script


@pytest.fixture
def writer(script: Script) -> Iterator[GroupCommit]:
    writer = GroupCommit("of the script")
    yield writer
    script.gate.set()
    writer.close()


def an_append(facts: int = 1) -> EncodedAppend:
    stream = uuid7()
    return EncodedAppend(Append([write(*[A_FACT] * facts, stream=stream)], {stream: 0}))


def test_a_lost_connection_is_tried_again(script: Script, writer: GroupCommit) -> None:
    script.steps = [DatabaseAwayError(), DatabaseAwayError(), answer(41, seqs=[7])]
    assert writer.append(an_append(), 10) == [(42, 7)]


def test_a_lost_reply_shows_as_a_known_command(script: Script, writer: GroupCommit) -> None:
    script.steps = [DatabaseAwayError(), answer(42, known=[1])]
    with pytest.raises(KnownError):
        writer.append(an_append(), 10)


@pytest.mark.parametrize(
    "error", [psycopg.errors.DiskFull("no space"), psycopg.errors.QueryCanceled("on request"),
              psycopg.errors.ReadOnlySqlTransaction("a standby"), psycopg.errors.UndefinedFunction("not migrated")]
)  # fmt: skip
def test_what_the_database_cannot_do_now_is_refused_once_and_says_that_nothing_was_written(
    script: Script, writer: GroupCommit, error: psycopg.Error
) -> None:
    script.steps = [error, answer(0, seqs=[1])]
    with pytest.raises(DatabaseRefusedError, match=f"nothing was written.*{error}"):
        writer.append(an_append(), 10)
    assert writer.append(an_append(), 10) == [(1, 1)]
    assert len(script.sent) == 2


def test_a_refusal_after_a_lost_reply_leaves_the_outcome_unknown(script: Script, writer: GroupCommit) -> None:
    script.steps = [DatabaseAwayError(), psycopg.errors.DiskFull("no space")]
    with pytest.raises(OutcomeUnknownError, match="repeat with the same id"):
        writer.append(an_append(), 10)


def test_past_the_deadline_the_outcome_is_unknown(script: Script, writer: GroupCommit) -> None:
    script.steps = [DatabaseAwayError() for _ in range(10_000)]
    with pytest.raises(OutcomeUnknownError, match="repeat with the same id"):
        writer.append(an_append(), 0.05)


def test_a_caller_does_not_wait_longer_than_its_deadline(script: Script, writer: GroupCommit) -> None:
    script.gate.clear()
    script.steps = [answer(0, seqs=[1])]
    with pytest.raises(OutcomeUnknownError):
        writer.append(an_append(), 0.05)


def test_in_a_group_the_loser_and_the_repeat_fail_alone(script: Script, writer: GroupCommit) -> None:
    script.steps = [answer(0, seqs=[1]), answer(1, known=[3], stale=[2], seqs=[11, 12, 13])]
    results = in_one_group(script, writer, [an_append(), an_append(), an_append(), an_append(2)])
    assert results == [[(2, 11)], StaleError, KnownError, [(3, 12), (4, 13)]]
    assert script.sent == [1, 5]


def test_in_a_group_the_bad_one_fails_alone(script: Script, writer: GroupCommit) -> None:
    bad = psycopg.errors.NotNullViolation("bad")
    script.steps = [answer(0, seqs=[1]), bad, answer(1, seqs=[11]), bad, answer(2, seqs=[12, 13])]
    results = in_one_group(script, writer, [an_append(), an_append(), an_append(2)])
    assert results == [[(2, 11)], ConflictError, [(3, 12), (4, 13)]]
    assert script.sent == [1, 4, 1, 1, 2]


def test_the_same_id_twice_never_stands_in_one_group(script: Script, writer: GroupCommit) -> None:
    twice = an_append()
    script.steps = [answer(0, seqs=[1]), answer(1, seqs=[2]), answer(2, known=[1])]
    assert in_one_group(script, writer, [twice, twice]) == [[(2, 2)], KnownError]
    assert script.sent == [1, 1, 1]


def test_a_closed_ledger_takes_nothing(script: Script) -> None:
    del script
    writer = GroupCommit("of the script")
    writer.close()
    with pytest.raises(UnavailableError, match="closed"):
        writer.append(an_append(), 1)


def in_one_group(script: Script, writer: GroupCommit, appends: Sequence[EncodedAppend]) -> list[object]:
    """Their outcomes when they wait, in this order, while another append is under way."""
    results: list[object] = [None] * len(appends)

    def give(n: int) -> None:
        try:
            results[n] = writer.append(appends[n], 10)
        except (StaleError, KnownError, ConflictError) as error:
            results[n] = type(error)

    script.gate.clear()
    threads = [threading.Thread(target=writer.append, args=[an_append(), 10])]
    threads[0].start()
    assert script.arrived.wait(10)
    for n in range(len(appends)):
        threads.append(threading.Thread(target=give, args=[n]))
        threads[-1].start()
        await_length(writer, n + 1)
    script.gate.set()
    for thread in threads:
        thread.join(10)
    return results


def await_length(writer: GroupCommit, length: int) -> None:
    pause = threading.Event()
    while writer._queue.qsize() != length:
        pause.wait(0.001)
