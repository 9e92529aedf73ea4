"""Reading ahead: while a batch is folded, the next one is fetched."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from domain.event import Event
from projections.engine.sources import Batch, Log


class Ahead(NamedTuple):
    """A batch that is on its way, and the question it answers."""

    after: Mapping[int, int]
    limit: int
    skip: Collection[str]
    batch: Future[Batch]


class ReadAhead:
    """A log that fetches the next batch in a thread of its own, the only one that touches the log beneath."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._ahead: Ahead | None = None

    def read_on(self, after: Mapping[int, int], *, limit: int, timeout_s: float, skip: Collection[str]) -> Batch:
        batch = self._fetched(after, limit, skip)
        if batch is None or (timeout_s and not batch.through):
            batch = self._ask(after, limit, timeout_s, skip).result()
        if len(batch.events) * 2 > limit:  # else it is at the log's end
            following = {p: max(seq, batch.through.get(p, seq)) for p, seq in after.items()}
            self._ahead = Ahead(following, limit, skip, self._ask(following, limit, 0, skip))
        return batch

    def read(self, partition: int, after: int, until: int) -> Sequence[Event]:
        return self._thread.submit(self._log.read, partition, after, until).result()

    def heads(self) -> Mapping[int, int]:
        return self._thread.submit(self._log.heads).result()

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._log.close()

    def _fetched(self, after: Mapping[int, int], limit: int, skip: Collection[str]) -> Batch | None:
        """What was fetched ahead, if it is what is asked for now; some partitions may be left out of the question."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        batch = ahead.batch.result()
        if (ahead.limit, ahead.skip) != (limit, skip) or not after.items() <= ahead.after.items():
            return None
        return batch if len(after) == len(ahead.after) else batch.of(after)

    def _ask(self, after: Mapping[int, int], limit: int, timeout_s: float, skip: Collection[str]) -> Future[Batch]:
        return self._thread.submit(self._log.read_on, after, limit=limit, timeout_s=timeout_s, skip=skip)
