"""All services folded by processes of their own, live or in schemas beside, and what tells two foldings apart."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Event as Stop
from typing import Any

import psycopg
from psycopg import sql

from adapters.kafka.cluster import Cluster
from adapters.kafka.source import KafkaSource
from adapters.postgres.ledger_source import LedgerSource
from deploy.kafka_parts import KafkaLog
from projections.catalogue import SERVICES
from projections.engine.readmodel import Service
from projections.engine.schema import connect
from projections.engine.table import fingerprint
from projections.engine.worker import OpenLog, Pace, joined, run
from streams.envelope import decode_wanted
from streams.topics import EVENTS

FOLDED_S = 120.0
Prints = Mapping[str, str]
# forked from a process that has loaded everything and opened nothing: to load it takes longer than to fold
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.refolding"])


def from_ledger(dsn: str) -> OpenLog:
    return partial(LedgerSource, dsn)


def from_kafka(dsn: str, cluster: Cluster, topic: str = EVENTS.name) -> OpenLog:
    return partial(_open_topic, dsn, cluster, topic)


def _open_topic(dsn: str, cluster: Cluster, topic: str) -> KafkaLog:
    source = KafkaSource(cluster, replace(EVENTS, name=topic), decode=decode_wanted)
    return KafkaLog(source, LedgerSource(dsn, listen=False))


def beside(service: Service, place: str) -> Service:
    """The same service in a schema of another name; the service itself where the place has none."""
    return Service(f"{service.name}_{place}", service.read_models, service.views) if place else service


def fold_beside(dsn: str, place: str, open_log: OpenLog, processes: int = 1) -> Mapping[str, Prints]:
    """Each process folds its share of every service, up to where the ledger stands; answers the fingerprints."""
    run_all([partial(_fold_share, dsn, place, open_log, processes)] * processes)
    return prints(dsn, place)


def _fold_share(dsn: str, place: str, open_log: OpenLog, processes: int) -> None:
    for service in SERVICES:
        copy = beside(service, place)
        with joined(copy, partial(connect, dsn, copy.name), open_log, Pace(), expected=processes) as worker:
            heads = worker.heads()
            while worker.step(wait=False, until=heads) or not worker.has_folded(heads):
                if worker.is_done(heads):
                    time.sleep(0.02)


def run_all(shares: Sequence[partial[None]]) -> None:
    crew = [_context.Process(target=share) for share in shares]
    deadline = time.monotonic() + FOLDED_S
    try:
        for process in crew:
            process.start()
        for process in crew:
            process.join(max(0.0, deadline - time.monotonic()))
        assert [process.exitcode for process in crew] == [0] * len(crew)
    finally:
        _end(crew)


@contextmanager
def folding_live(dsn: str, *sources: OpenLog) -> Iterator[None]:
    """A process for each source folds every service meanwhile; each must go on to the end."""
    stop = _context.Event()
    crew = [_context.Process(target=_fold_live, args=(dsn, open_log, stop)) for open_log in sources]
    try:
        for process in crew:
            process.start()
        yield
        assert all(process.is_alive() for process in crew)
        stop.set()
        for process in crew:
            process.join(30)
        assert [process.exitcode for process in crew] == [0] * len(crew)
    finally:
        _end(crew)


def _fold_live(dsn: str, open_log: OpenLog, stop: Stop) -> None:
    flag = threading.Event()
    folds = [
        threading.Thread(target=run, args=(service,), daemon=True,
                         kwargs={"connect": partial(connect, dsn, service.name), "open_log": open_log, "stop": flag})
        for service in SERVICES
    ]  # fmt: skip
    for fold in folds:
        fold.start()
    while not stop.wait(0.2):
        assert all(fold.is_alive() for fold in folds)
    flag.set()
    for fold in folds:
        fold.join(20)


def _end(crew: Sequence[Any]) -> None:
    for process in crew:
        if process.is_alive():
            process.kill()
        if process.pid is not None:
            process.join(20)
        process.close()


def prints(dsn: str, place: str = "") -> Mapping[str, Prints]:
    """Of every live table, those of totals too, by service and read model."""
    return {service.name: _prints_of(dsn, beside(service, place)) for service in SERVICES}


def _prints_of(dsn: str, service: Service) -> Prints:
    with closing(connect(dsn, service)) as db:
        live = db.execute("select model, suffix from projection_build where state = 'live' order by 1").fetchall()
        sums = {model.name for model in service.models if model.sums}
        tables = {name: f"{name}_{suffix}" for name, suffix in live}
        tables |= {f"{name}_sums": f"{name}_sums_{suffix}" for name, suffix in live if name in sums}
        return {name: fingerprint(db, table) for name, table in tables.items()}


def forget(dsn: str, place: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as db:
        for service in SERVICES:
            name = sql.Identifier(beside(service, place).name)
            db.execute(sql.SQL("drop schema if exists {} cascade").format(name))
