"""Scratch: how fast the engine folds; the benchmark's author makes the real one."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import cProfile
import pstats

from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.ledger_source import LedgerSource
from adapters.postgres.migrate import create_roles_and_databases, migrate
from adapters.postgres.server import PostgresServer
from projections.engine.readmodel import Service
from projections.engine.schema import connect
from projections.engine.worker import Pace, catch_up, collect_garbage_rarely
from tests.integration.engine.story import Story
from tests.integration.engine.toys.deals import deals
from tests.integration.engine.toys.people import people
from tests.integration.engine.toys.purchases import purchases

SERVICES = {"all": (people, purchases, deals), "people": (people,), "purchases": (purchases,), "deals": (deals,)}


def main() -> None:
    server = PostgresServer(Path(sys.argv[1]))
    server.start()
    create_roles_and_databases(server.dsn(), ["bench"])
    if migrate(server.dsn("bench"), Path("deploy/migrations/ledger")):
        ledger = PostgresLedger(server.dsn("bench"))
        Story(ledger).customers(int(sys.argv[4]) if len(sys.argv) > 4 else 20_000)
        ledger.close()
        with connect(server.dsn("bench"), "public") as db:
            db.execute("vacuum analyze ledger.fact")
    name = sys.argv[2]
    with connect(server.dsn("bench"), "public") as db:
        db.execute(f"drop schema if exists {name}_x cascade")
        wanted = [t for m in SERVICES[name] for t in m.types]
        total, n = db.execute("select count(*), count(*) filter (where type = any(%s)) from ledger.fact", [wanted]).fetchone()
    collect_garbage_rarely()
    service = Service(f"{name}_x", SERVICES[name])
    profile = cProfile.Profile() if "profile" in sys.argv else None
    start, cpu = time.perf_counter(), time.process_time()
    if profile:
        profile.enable()
    catch_up(
        service, connect=lambda: connect(server.dsn("bench"), service), open_log=lambda: LedgerSource(server.dsn("bench")),
        pace=Pace(batch=int(sys.argv[3])),
    )
    if profile:
        profile.disable()
    took = time.perf_counter() - start
    print(f"python cpu {time.process_time() - cpu:.2f}")
    print(f"{name}: {total} facts, {n} wanted, {took:.2f} s, {n / took:.0f} wanted/s")
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)


main()
