"""A topic whose first records can be deleted, up to one that its row's sequence names."""

from __future__ import annotations

from contextlib import closing

from kafka import TopicPartition

from adapters.kafka.admin import ask_kafka
from adapters.kafka.tails import TailReader
from adapters.kafka.topic import KafkaTopic
from streams.tails import Held

ONLY = 0  # the partition


class ForgettingTopic(KafkaTopic[Held]):
    """Of one partition. Mostly the record of sequence n lies at offset n - 1, or beyond it where some repeat."""

    def forget(self, through: int) -> None:
        """Deletes all up to the last record whose sequence is not beyond this one. Raises what `kafka_errors` does."""
        with closing(TailReader(self._cluster, self.name, 1, self._identify)) as reader:
            first, end = reader.extents()[ONLY]
            if first == end:
                return
            start = _start(reader, first, end, through)
            found = (held for page in reader.read({ONLY: start}, {ONLY: end}) for held in page)
            last = max((held.offset for held in found if held.seq <= through), default=start - 1)
        if last >= first:
            place = TopicPartition(self.name, ONLY)
            ask_kafka(self._cluster, self.name, "DELETE", lambda admin: admin.delete_records({place: last + 1}))


def _start(reader: TailReader[Held], first: int, end: int, through: int) -> int:
    """The offset before which all have lesser sequences; the first, where sequences were left out."""
    start = min(max(first, through - 1), end)
    glance = min(start, end - 1)
    return start if reader.peek({ONLY: glance})[ONLY].seq <= glance + 1 else first
