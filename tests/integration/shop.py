"""A shop whose sales are imported from files of its own, over a ledger in memory."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from adapters.ids import uuid7
from adapters.importers import ImportReport, MemoryImportProgress, run
from adapters.keys.vault import SealingVault
from adapters.memory.ledger import MemoryLedger
from adapters.memory.vault import memory_vault
from domain.catalogue import REGISTRY
from domain.decider import Command
from domain.execute import Context, Executor

SHOP = """
language = 1
source = "shop"
title = "Customers with the lines of their orders"
time_zone = "Europe/Lisbon"

[files.lines]
group_by = ["order"]

[[rules]]
name = "customer"
command = "customer.register"
per = "key"
key = [{ column = "customer" }]
at = { time = { column = "time" } }
[rules.fields]
customer_id = { id = "shop-customer", of = [{ column = "customer" }] }
name = { column = "name" }

[[rules]]
name = "order"
command = "order.place"
per = "group"
at = { time = { column = "time" } }
[rules.fields]
order_id = { id = "shop-order", of = [{ column = "order" }] }
number = { column = "order" }
customer_id = { id = "shop-customer", of = [{ column = "customer" }] }
currency = "EUR"
[rules.fields.lines.each]
product_id = { id = "shop-product", of = [{ column = "product" }] }
quantity = { whole = { column = "quantity" } }
amount_minor = { minor = { multiply = [{ column = "quantity" }, { column = "price" }] }, currency = "EUR" }
"""
COINS = """
language = 1
source = "coins"
title = "Rows without a key"

[files.coins]
identical = [{ column = "customer" }, { column = "cents" }]
identity = [{ column = "customer" }, { column = "cents" }, { occurrence = true }]

[[rules]]
name = "order"
command = "order.place"
[rules.fields]
order_id = { id = "coin", of = [{ column = "customer" }, { column = "cents" }, { occurrence = true }] }
number = { column = "cents" }
currency = "EUR"
[[rules.fields.lines.list]]
object.product_id = { id = "p", of = ["coin"] }
object.quantity = 1
object.amount_minor = { whole = { column = "cents" } }
"""
HEADER = "order,customer,name,time,product,quantity,price"
FIRST = [
    "1,c1,Ada,2026-01-05 10:00,apple,2,1.50",
    "1,c1,Ada,2026-01-05 10:00,pear,1,0.40",
    "2,c2,Bela,2026-01-06 11:00,apple,1,1.50",
    "1,c1,Ada,2026-01-05 10:00,fig,3,0.10",
    "3,c1,Ada,2026-01-07 12:00,fig,1,0.10",
]


def lines_of(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


class Shop:
    """A ledger, a vault, and a place for files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.progress = folder, MemoryImportProgress()
        self.ledger, self.vault = MemoryLedger(), memory_vault()
        self.executor = executor_over(self.ledger, self.vault)
        self.mapping = self.write("shop.toml", SHOP)
        self.rejects = folder / "rejects.csv"

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, path: Path, **more: Any) -> ImportReport:
        given: dict[str, Any] = {
            "mapping": self.mapping,
            "executor": self.executor,
            "ledger": self.ledger,
            "progress": self.progress,
            "rejects_path": self.rejects,
        }
        return run(None, path, vault=self.vault, actor="importer", **(given | more))

    def bring(self, *rows: str, name: str = "lines.csv", **more: Any) -> ImportReport:
        return self.run(self.write(name, lines_of(*rows)), **more)

    def id_of(self, kind: str, key: str) -> UUID:
        return self.vault.derive_id(f"shop-{kind}", key)

    def order(self, command: Command) -> None:
        self.executor.execute(command, Context(uuid7(), "somebody"))

    def types(self) -> Mapping[str, int]:
        return Counter(event.type for event in self.ledger.read(0, 10_000))

    def order_totals(self) -> Mapping[str, int]:
        events = self.ledger.read(0, 10_000)
        placed = [e for e in events if e.type in {"crm.order.placed.v1", "crm.order.amended.v1"}]
        return {e.stream_id.hex[:4]: sum(line.amount_minor for line in e.fact.lines) for e in placed}  # type: ignore[attr-defined]  # these two have lines

    def name_of(self, customer: str) -> Any:
        """As it was told last."""
        facts = [event.fact for event in self.ledger.load([self.id_of("customer", customer)])]
        names = [name for fact in facts if (name := getattr(fact, "name", None)) is not None]
        return self.vault.open(names[-1:])[0]

    def rejected(self, path: Path | None = None) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((path or self.rejects).read_text("utf-8"))))

    def mend(self, change: Callable[[str], str]) -> Path:
        return self.write("mended.csv", change(self.rejects.read_text("utf-8")))


def executor_over(ledger: Any, vault: SealingVault) -> Executor:
    return Executor(ledger, vault, REGISTRY, clock=lambda: datetime.now(UTC))
