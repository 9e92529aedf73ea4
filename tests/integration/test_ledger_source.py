"""The ledger as a source keeps every fact of every partition, whichever of them it is asked for."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

import pytest

from adapters.ids import uuid7
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.ledger_source import LedgerSource
from domain.customer.facts import NeedNoted
from domain.moments import EARLIEST_READ
from domain.ports import Append, NewFact, Write
from streams.topics import EVENTS
from tests.conftest import Databases
from tests.relaying import append, lane_of


def test_a_partition_that_is_left_out_for_a_while_is_read_on_where_it_was_left(
    ledger: PostgresLedger, databases: Databases
) -> None:
    append(ledger, 400)
    heads = ledger.partition_heads()
    left_out, *others = sorted(heads)
    after, found = dict.fromkeys(heads, 0), list[tuple[int, int]]()
    with closing(LedgerSource(databases.app, listen=False)) as source:
        for asked in (heads, others, others, others, heads, heads, heads, heads, heads):
            batch = source.read_on({p: after[p] for p in asked}, limit=100, timeout_s=0, skip=())
            found += [(event.partition, event.partition_seq) for event in batch.events]
            after |= batch.through
    assert left_out in {partition for partition, _ in found}
    assert sorted(found) == [(p, seq) for p, head in sorted(heads.items()) for seq in range(1, head + 1)]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"])
def test_a_fact_of_before_year_1_that_an_older_release_wrote_is_read(
    ledger: PostgresLedger, databases: Databases, at: str
) -> None:
    command, stream = uuid7(), uuid7()
    fact = NewFact(stream, stream, NeedNoted(need="roof"))
    write = Write(command, b"print", command, command, "user:ana", "command", datetime.fromisoformat(at), [fact])
    ledger.append(Append([write], {stream: 0}))
    (partition,) = ledger.partition_heads()
    with closing(LedgerSource(databases.app, listen=False)) as source:
        (folded,) = source.read_on({partition: 0}, limit=100, timeout_s=0, skip=()).events
        (again,) = source.read(partition, 0, 1)
    (shown,) = ledger.load([stream])
    with closing(lane_of(databases.app, EVENTS)) as lane:
        (relayed,) = lane.read(0, 100).rows
    assert dict(relayed.headers)["ce_time"] == b"0001-01-02T00:00:00.000000Z"
    assert {event.occurred_at for event in (folded, again, shown)} == {EARLIEST_READ}
