"""Records are read out of batches as kafka-python reads them, whatever their headers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords, MemoryRecordsBuilder
from kafka.structs import TopicPartition

from adapters.kafka.records import Headers, PlainRecords, Record, read_batch

PLACE = TopicPartition("crm.events.v1", 3)
NONE, GZIP = 0, 1
Sent = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]

names = st.sampled_from(["ce_id", "ce_type", "relato", "x" * 70, "é"])
headers = st.lists(st.tuples(names, st.binary(max_size=200)), max_size=5, unique_by=lambda header: header[0])
contents = st.none() | st.binary(max_size=300)
sent = st.tuples(st.integers(0, 2**42), contents, contents, headers)


class Plain(PlainRecords):
    read_headers = Headers()


def batches(*groups: Sequence[Sent], compression: int = NONE) -> MemoryRecords:
    """Each group as a batch, from offset 10 on."""
    written, offset = b"", 10
    for group in groups:
        builder = MemoryRecordsBuilder(2, compression, 1_000_000)
        for time, key, value, named in group:
            builder.append(time, key, value, named)
        builder.close()
        batch = bytes(builder.buffer())
        written += offset.to_bytes(8, "big") + batch[8:]  # as the broker numbers them
        offset += len(group)
    return MemoryRecords(written)


def fetched(kind: type[Fetcher.PartitionRecords], records: MemoryRecords, since: int = 10) -> Fetcher.PartitionRecords:
    return kind(since, PLACE, records)


@given(st.lists(st.lists(sent, min_size=1, max_size=4), min_size=1, max_size=3), st.sampled_from([NONE, GZIP]))
def test_they_are_those_that_kafka_python_reads(groups: list[list[Sent]], compression: int) -> None:
    theirs = fetched(Fetcher.PartitionRecords, batches(*groups, compression=compression))
    ours = fetched(Plain, batches(*groups, compression=compression))
    for count in (2, None):  # stopping within a batch too
        taken = theirs.take(count) if theirs else []
        expected = [Record(r.offset, r.key, r.value, dict(r.headers)) for r in taken]
        assert (ours.take(count) if ours else []) == expected
        assert (ours.next_fetch_offset, ours.leader_epoch) == (theirs.next_fetch_offset, theirs.leader_epoch)
        assert bool(ours) == bool(theirs)


@given(st.lists(headers, min_size=1, max_size=8))
def test_what_was_learned_of_other_headers_never_shows(many: list[list[tuple[str, bytes]]]) -> None:
    read = Headers()
    for named in [*many, *many]:
        batch = batches([(0, b"k", b"v", named)]).next_batch()
        assert [record.headers for record in read_batch(batch, read)] == [dict(named)]


def test_reading_begins_at_the_offset_that_was_asked_for() -> None:
    five: list[Sent] = [(n, None, b"%d" % n, []) for n in range(5)]
    assert [record.value for record in fetched(Plain, batches(five), since=13).take()] == [b"3", b"4"]


def test_a_batch_that_was_damaged_is_refused() -> None:
    good = bytearray(batches([(0, b"k", b"value", [("a", b"b")])])._buffer)
    good[-3] ^= 1
    with pytest.raises(CorruptRecordError, match="offset 10"):
        fetched(Plain, MemoryRecords(bytes(good))).take()


def test_a_record_that_does_not_fill_its_length_is_refused() -> None:
    batch = batches([(0, b"k", b"value", [])]).next_batch()
    batch._buffer[batch._pos] += 2
    with pytest.raises(CorruptRecordError, match="offset 10"):
        list(read_batch(batch, Headers()))
