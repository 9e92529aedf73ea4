"""The ledger as a source keeps every fact of every partition, whichever of them it is asked for."""

from __future__ import annotations

from contextlib import closing

from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.ledger_source import LedgerSource
from tests.conftest import Databases
from tests.relaying import append


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
