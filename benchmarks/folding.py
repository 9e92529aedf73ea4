"""One read model, one process: from the ledger and from Kafka, beside a stock ProjectionRunner with the same fold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count as numbers
from uuid import UUID

from eventsourcing.projection import ProjectionRunner

from adapters.ids import uuid7
from adapters.postgres.ledger import PostgresLedger
from benchmarks import stock
from benchmarks.deals import deals
from benchmarks.figures import Measured, Missing, ratio
from benchmarks.harness import Scratch, main, take_turns
from benchmarks.relaying import relay_all
from benchmarks.stock_deals import AMOUNT_MINOR, Board, DealProjection, DealRows
from deploy import kafka_parts
from domain.errors import RelatoError
from domain.fact import Fact
from domain.money import Money
from domain.opportunity.facts import OpportunityMoved, OpportunityOpened, OpportunityWon, Stage
from domain.ports import Append, NewFact, Write
from projections.engine.readmodel import Service
from projections.engine.schema import connect
from projections.engine.sources import Log
from projections.engine.worker import catch_up, collect_garbage_rarely

STAGES = (Stage.PROSPECTING, Stage.ENGAGING, Stage.PROPOSAL, Stage.NEGOTIATION, "won")
EACH = len(STAGES)
CHUNK = 200  # deals
AMOUNT = Money(amount_minor=AMOUNT_MINOR, currency="EUR")
WHAT = "one read model, one process, wanted facts, from {}"
AGAINST = "stock ProjectionRunner, same fold, PostgreSQL"
HOW = (
    "Ours: a worker from nothing to the end of {count:,} facts, with leases and bookmarks; rows and bookmark in one"
    " transaction a batch. Stock: ProjectionRunner over {theirs:,} events, row and tracking in one transaction each."
)
_runs = numbers(1)


def measure(scratch: Scratch) -> Measured:
    count, theirs = scratch.count(120_000, 3_000), scratch.count(4_000, 300)
    _write_deals(scratch.installation.ledger, count // EACH)
    sides: dict[str, Callable[[], float]] = {
        "ledger": lambda: count / _fold(scratch, scratch.installation.open_log),
        "stock": lambda: theirs / _project(scratch, theirs // EACH),
    }
    try:
        relay_all(scratch, scratch.kafka, count)
        open_topic = partial(kafka_parts.open_log, scratch.kafka, scratch.dsn)
        sides["Kafka"] = lambda: count / _fold(scratch, open_topic)
    except RelatoError as error:
        missing = Missing(what=WHAT.format("Kafka"), reason=str(error))
    collect_garbage_rarely()
    found, how = take_turns(sides, scratch.count(5, 1)), HOW.format(count=count, theirs=theirs)
    ledger = ratio(WHAT.format("the ledger"), AGAINST, 30, ours="ledger", peer="stock", sides=found, how=how)
    if "Kafka" not in found:
        return [ledger, missing]
    return [ledger, ratio(WHAT.format("Kafka"), AGAINST, 20, ours="Kafka", peer="stock", sides=found, how=how)]


def _write_deals(ledger: PostgresLedger, count: int) -> None:
    """Interleaved: the chunk's deals are all opened, then all moved on."""
    for first in range(0, count, CHUNK):
        ids = [uuid7() for _ in range(min(CHUNK, count - first))]
        writes = [_write(deal_id, fact) for fact in _life() for deal_id in ids]
        ledger.append(Append(writes, dict.fromkeys(ids, 0)))


def _life() -> Sequence[Fact]:
    opened = OpportunityOpened(stage=Stage.PROSPECTING, title="Twelve desks", amount=AMOUNT, seller_id=UUID(int=7))
    moved = [
        OpportunityMoved(stage=stage, amount=AMOUNT) for stage in (Stage.ENGAGING, Stage.PROPOSAL, Stage.NEGOTIATION)
    ]
    return [opened, *moved, OpportunityWon(amount=AMOUNT)]


def _write(deal_id: UUID, fact: Fact) -> Write:
    command_id, now = uuid7(), datetime.now(UTC)
    return Write(
        command_id, bytes(16), command_id, command_id, "bench", "command", now, (NewFact(deal_id, deal_id, fact),)
    )


def _fold(scratch: Scratch, open_log: Callable[[], Log]) -> float:
    """Seconds, into a schema of its own."""
    service = Service(f"deals_{next(_runs)}", (deals,))
    start = time.perf_counter()
    catch_up(service, connect=partial(connect, scratch.dsn, service), open_log=open_log)
    return time.perf_counter() - start


def _project(scratch: Scratch, count: int) -> float:
    """Seconds, in a database of its own."""
    name = f"stock_{next(_runs)}"
    stock.make_database(scratch.owner(), name)
    environment = stock.environment(scratch.owner(name), connections=5)
    board = Board(env=environment)
    for _ in range(count):
        board.run_deal(STAGES)
    last = board.recorder.max_notification_id()
    board.close()
    start = time.perf_counter()
    with ProjectionRunner(
        application_class=Board, projection_class=DealProjection, view_class=DealRows, env=environment
    ) as runner:
        runner.wait(last, timeout=600)
        return time.perf_counter() - start


if __name__ == "__main__":
    main(measure)
