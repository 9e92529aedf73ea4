"""An import that is killed and started again, as often as it takes, loses nothing and doubles nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

from adapters.importers.ahead import LARGE_BYTES
from adapters.keys.master import KEY_BYTES
from adapters.postgres.ledger import PostgresLedger
from domain.catalogue import REGISTRY
from domain.order.facts import OrderPlaced
from tests.conftest import Databases

ROOT = Path(__file__).parents[2]
MAPPING = """
language = 1
source = "slips"
title = "Slips without numbers, of customers with names"

[files.slips]
identical = [{ column = "customer" }, { column = "cents" }]
identity = [{ column = "customer" }, { column = "cents" }, { occurrence = true }]

[[rules]]
name = "customer"
command = "customer.register"
per = "key"
key = [{ column = "customer" }]
fields = { customer_id = { id = "slip-customer", of = [{ column = "customer" }] }, name = { column = "customer" } }

[[rules]]
name = "order"
command = "order.place"
[rules.fields]
order_id = { id = "slip", of = [{ column = "customer" }, { column = "cents" }, { occurrence = true }] }
customer_id = { id = "slip-customer", of = [{ column = "customer" }] }
number = { column = "cents" }
currency = "EUR"
[[rules.fields.lines.list]]
object.product_id = { id = "slip-product", of = ["any"] }
object.quantity = 1
object.amount_minor = { whole = { column = "cents" } }
"""
ROWS = 20_000
CUSTOMERS = 700
DIFFERENT = 5_000  # so that each row comes four times


def test_a_killed_import_goes_on_until_all_is_there_once(databases: Databases, tmp_path: Path) -> None:
    (tmp_path / "slips.toml").write_text(MAPPING)
    rows = (f"customer {n % DIFFERENT % CUSTOMERS:055},{n % DIFFERENT}\n" for n in range(ROWS))
    (tmp_path / "slips.csv").write_text("customer,cents\n" + "".join(rows))
    assert (tmp_path / "slips.csv").stat().st_size > LARGE_BYTES  # so that a second process reads it
    files = [str(tmp_path / name) for name in ("slips.toml", "slips.csv", "rejects.csv")]
    command = [databases.app, databases.keys_app, os.urandom(KEY_BYTES).hex(), *files]
    kills = 0
    assert REGISTRY  # reading facts needs their types registered
    for pause_s in (0.05, 0.3, 0.1, 0.6, 0.2):
        kills += _kill_after(command, pause_s)
    assert kills > 0
    _start(command).communicate(timeout=240)
    ledger = PostgresLedger(databases.app)
    events = ledger.read(0, 2 * ROWS)
    assert Counter(event.type for event in events) == {
        "crm.customer.registered.v1": CUSTOMERS,
        "crm.order.placed.v1": ROWS,
    }
    placed = (fact for event in events if isinstance(fact := event.fact, OrderPlaced))
    amounts = Counter(fact.total_minor for fact in placed)
    assert amounts == Counter(n % DIFFERENT for n in range(ROWS))
    ledger.close()


def _start(command: list[str]) -> subprocess.Popen[str]:
    script = str(Path(__file__).with_name("importing_process.py"))
    return subprocess.Popen(
        [sys.executable, script, *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def _kill_after(command: list[str], pause_s: float) -> bool:
    """Waits until it has told how far it is, and a while longer; false when it was faster than that."""
    with _start(command) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pause_s)
        finished = process.poll() is not None
        with_it = [] if finished else psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    _, left = psutil.wait_procs(with_it, timeout=30)
    assert not left
    return not finished
