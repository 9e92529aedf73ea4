"""Partners' feeds after a restore: they go on, and those that a backup lacks are made from the ledger."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.postgres import backup as postgres
from adapters.postgres.migrate import connect
from adapters.postgres.server import PostgresServer
from tests.acceptance.program import Quick, Relato, made, served
from tests.acceptance.test_cli_partner_feeds import acting, await_told

TERMS = {"purpose": "to deliver", "shows": [{"type": "crm.order.placed.v1", "fields": ["number"]}], "scope": "supplier"}
Change = Callable[[Relato, Path], None]


def as_it_is(_: Relato, __: Path) -> None:
    pass


def dumped_without_feeds(relato: Relato, backup: Path) -> None:
    """As a release wrote it that knew the feeds, and did not save them."""
    postgres.dump(_dsn(relato), ["ledger", "access", "public"], backup / "ledger.dump")
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["files"]["ledger.dump"] = hashlib.sha256((backup / "ledger.dump").read_bytes()).hexdigest()
    (backup / "manifest.json").write_text(json.dumps(manifest))


def from_before_feeds(relato: Relato, backup: Path) -> None:
    with connect(_dsn(relato)) as db:
        db.execute("drop schema feeds cascade")
        db.execute("delete from public.migration where name = '0006_feeds.sql'")
        db.execute("delete from ledger.progress where name = 'feeds'")
    dumped_without_feeds(relato, backup)


def _dsn(relato: Relato) -> str:
    return PostgresServer(relato.home / "postgres").dsn("relato")


@pytest.mark.parametrize("change", [as_it_is, dumped_without_feeds, from_before_feeds])
def test_a_restored_feed_has_what_it_had_and_goes_on(change: Change) -> None:
    with made(Quick) as relato, made(Quick) as other:
        with served(relato):
            supplier = relato.make("partner.register", name="Luz", kind="supplier")
            lamp = relato.make("product.register", name="Lamp", supplier_id=supplier)
            customer = relato.make("customer.register", name="Ana Souza")
            agreement = relato.make("agreement.draft", partner_id=supplier, terms=TERMS)
            relato.do("agreement.activate", agreement_id=agreement)

            def order(where: Relato, number: str) -> None:
                lines = [{"product_id": lamp, "quantity": 1, "amount_minor": 100}]
                where.make("order.place", customer_id=customer, number=number, currency="EUR", lines=lines)

            with acting(relato):
                order(relato, "A-1")
                await_told(relato, supplier, 1)
            relato.tell("backup", backup := relato.folder / "backup")
            change(relato, backup)
        other.home.mkdir(mode=0o711)
        shutil.copytree(relato.home / "secrets", other.home / "secrets")
        with served(other):
            other.tell("restore", backup)
            order(other, "A-2")
            with acting(other):
                told = await_told(other, supplier, 2)
        assert [(one["feedseq"], one["data"]["number"]) for one in told] == [(1, "A-1"), (2, "A-2")]
