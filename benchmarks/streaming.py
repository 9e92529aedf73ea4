"""The live windows' worker: facts on the departments' topics, read by Faust into windows."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psutil
from kafka import KafkaProducer

from adapters.ids import uuid7
from adapters.kafka.cluster import Cluster
from adapters.kafka.group import ask_progress
from benchmarks.figures import Figure, Measured, Missing
from benchmarks.harness import Scratch, main, take_turns
from deploy import streams
from domain.errors import RelatoError, UnavailableError
from domain.event import Event, Origin
from domain.fact import Fact
from domain.interaction.facts import InteractionLogged
from domain.opportunity.facts import OpportunityMoved, OpportunityOpened
from domain.ticket.facts import TicketAssigned, TicketNoted, TicketOpened, TicketResolved
from streams.departments import DEPARTMENTS
from streams.shares import encoder_of
from streams.topics import SHARES

WHAT = "live windows, one worker"
TARGET = 2_500
HOW = (
    "Facts of deals, calls and tickets, on 16 partitions of two topics before the worker starts, each read, decoded,"
    " put into its windows and confirmed; from the first confirmed fact to the last."
)


def measure(scratch: Scratch) -> Measured:
    try:
        cluster = Cluster(scratch.kafka)
    except RelatoError as error:
        return [Missing(what=WHAT, reason=str(error))]
    cpu: list[float] = []
    count = _fill(cluster, scratch.count(60_000, 12_000))
    found = take_turns({"worker": lambda: _work(scratch, cluster, count, cpu)}, scratch.count(3, 1))
    return [
        Figure(what=WHAT, against="—", unit="facts/s", target=TARGET, values=found["worker"], sides=found, how=HOW),
        Figure(what=f"{WHAT}: its own time", against="—", unit="µs a fact", values=cpu, how="Processor time."),
    ]


def _work(scratch: Scratch, cluster: Cluster, count: int, cpu: list[float]) -> float:
    """Facts a second of a worker that starts anew."""
    scratch.start("windows", "streams", "--worker", kafka=True)
    while (left := _left(scratch, cluster)) in {0, count}:
        time.sleep(0.2)
    ahead, start, worker = left, time.perf_counter(), _worker()
    before = worker.cpu_times()
    while left:
        time.sleep(0.2)
        left = _left(scratch, cluster)
    took, after = time.perf_counter() - start, worker.cpu_times()
    cpu.append(round((after.user + after.system - before.user - before.system) / ahead * 1e6, 1))
    worker.terminate()
    worker.wait()
    return ahead / took


def _left(scratch: Scratch, cluster: Cluster) -> int:
    """0 while Kafka has nobody yet who looks after groups."""
    group = streams.group_of(scratch.settings)
    try:
        found = ask_progress(cluster, group, streams.topics())
    except UnavailableError:
        return 0
    return sum(one.end - one.confirmed for one in found.values())


def _worker() -> psutil.Process:
    [worker] = [child for child in psutil.Process(os.getpid()).children() if "--worker" in child.cmdline()]
    return worker


def _fill(cluster: Cluster, count: int) -> int:
    """Answers how many it has sent."""
    producer = KafkaProducer(**cluster.settings(), linger_ms=20, acks="all")
    encoders = {name: encoder_of(DEPARTMENTS[name], "/relato/bench") for name in ("sales", "support")}
    sent = 0
    for position, (stream, fact) in enumerate(_facts(), 1):
        event = _event(position, stream, fact)
        for name, encode in encoders.items():
            if DEPARTMENTS[name].follows(event):
                spec = SHARES[name]
                row = encode(event, event.partition % spec.partitions, position - 1)
                producer.send(spec.name, row.value, row.key, row.headers, row.partition)
                sent += 1
        if sent >= count:
            break
    producer.flush()
    producer.close()
    return sent


def _facts() -> Iterator[tuple[UUID, Fact]]:
    draw = random.Random(1)
    sellers, products = [uuid7() for _ in range(30)], [uuid7() for _ in range(200)]
    while True:
        deal, ticket, seller = uuid7(), uuid7(), draw.choice(sellers)
        yield deal, OpportunityOpened(stage="prospecting", seller_id=seller)
        yield deal, OpportunityMoved(stage="proposal")
        yield uuid7(), InteractionLogged(channel="telephone", direction="outbound", employee_id=seller)
        yield ticket, TicketOpened(priority="normal", category="complaint", product_id=draw.choice(products))
        yield ticket, TicketAssigned(agent_id=seller)
        yield ticket, TicketNoted(activity="called")
        yield ticket, TicketResolved()


def _event(position: int, stream: UUID, fact: Fact) -> Event:
    one, two, three, four = (uuid7() for _ in range(4))
    at = datetime.now(UTC)
    return Event(
        *(position, stream.int % 64, position, stream, 1, stream, 1, one, two, three, four, at, at),
        *(fact.TYPE, "bench", Origin.COMMAND, fact.encode(), b"", b"", fact),
    )


if __name__ == "__main__":
    main(measure)
