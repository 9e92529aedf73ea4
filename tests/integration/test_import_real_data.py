"""The data sets in PostgreSQL: counts and sums of the facts equal those of the raw files, which are counted here."""

from __future__ import annotations

import csv
import io
import lzma
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.importers import ImportReport, run
from adapters.keys.master import KEY_BYTES, MasterKey
from adapters.keys.vault import SealingVault
from adapters.postgres.import_progress import PostgresImportProgress
from adapters.postgres.key_store import PostgresContentStore, PostgresKeyStore
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.server import PostgresServer
from domain.catalogue import REGISTRY
from domain.event import Event, Origin
from domain.execute import Executor
from tests.conftest import Databases, copied

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not in ../shared/data"),
    pytest.mark.timeout(1200),
]


@dataclass(frozen=True)
class Company:
    """An installation that imports."""

    ledger: PostgresLedger
    vault: SealingVault
    progress: PostgresImportProgress
    rejects: Path

    def bring(self, format_: str, path: str, **more: Any) -> ImportReport:
        executor = Executor(self.ledger, self.vault, REGISTRY, clock=lambda: datetime.now(UTC))
        report = run(
            format_,
            DATA / path,
            executor=executor,
            ledger=self.ledger,
            vault=self.vault,
            progress=self.progress,
            actor="importer",
            rejects_path=self.rejects,
            **more,
        )
        assert report.finished
        assert (report.rejected, report.total("erased"), report.total("merged")) == (0, 0, 0)
        return report

    def events(self) -> Iterator[Event]:
        after = 0
        while events := self.ledger.read(after, 10_000):
            yield from events
            after = events[-1].position

    def facts(self, type_: str) -> list[Any]:
        return [event.fact for event in self.events() if event.type == type_]

    def types(self) -> Counter[str]:
        return Counter(event.type for event in self.events())


@contextmanager
def company_over(databases: Databases, rejects: Path) -> Iterator[Company]:
    with (
        closing(PostgresKeyStore(databases.keys_app)) as keys,
        closing(PostgresContentStore(databases.app)) as contents,
        closing(PostgresLedger(databases.app)) as ledger,
        closing(PostgresImportProgress(databases.app)) as progress,
    ):
        yield Company(ledger, SealingVault(keys, contents, MasterKey(os.urandom(KEY_BYTES))), progress, rejects)


@pytest.fixture
def company(databases: Databases, tmp_path: Path) -> Iterator[Company]:
    with company_over(databases, tmp_path / "rejects.csv") as company:
        yield company


@pytest.fixture(scope="module")
def helpdesk(
    postgres: PostgresServer, template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """With the whole table imported; nothing that a test does may add to it."""
    rejects = tmp_path_factory.mktemp("helpdesk") / "rejects.csv"
    with copied(postgres, template) as databases, company_over(databases, rejects) as company:
        company.bring("helpdesk", "helpdesk/helpdesk_full.csv")
        yield company


def raw(path: str) -> list[dict[str, str]]:
    packed = DATA / path
    content = lzma.decompress(packed.read_bytes()) if packed.suffix == ".xz" else packed.read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode())))


def cents(amount: str) -> int:
    return int(Decimal(amount) * 100)


def test_the_maven_pipeline_stands_in_the_ledger_as_in_the_files(company: Company) -> None:
    company.bring("maven-crm", "maven_crm/CRM_Sales_Opportunities.zip")
    pipeline, accounts = raw("maven_crm/sales_pipeline.csv"), raw("maven_crm/accounts.csv")
    stages = Counter(row["deal_stage"] for row in pipeline)
    fields = sum(bool(row[name]) for row in accounts for name in [*list(row)[2:5], "subsidiary_of"])
    assert stages == {"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}
    assert company.types() == {
        "crm.product.registered.v1": 7,
        "crm.team.formed.v1": 3,
        "crm.employee.hired.v1": 35 + 6,
        "crm.field.defined.v1": 4,
        "crm.customer.registered.v1": len(accounts),
        "crm.customer.field_set.v1": fields,
        "crm.opportunity.opened.v1": len(pipeline),
        "crm.opportunity.moved.v1": len(pipeline) - stages["Prospecting"],
        "crm.opportunity.won.v1": stages["Won"],
        "crm.opportunity.lost.v1": stages["Lost"],
    }
    won = company.facts("crm.opportunity.won.v1")
    assert sum(fact.amount.amount_minor for fact in won) == sum(cents(row["close_value"] or "0") for row in pipeline)
    opened = [event for event in company.events() if event.type == "crm.opportunity.opened.v1"]
    assert sum(event.fact.anonymous for event in opened) == sum(not row["account"] for row in pipeline) == 1425  # type: ignore[attr-defined]  # decoded above by its type
    here = ZoneInfo("America/New_York")
    days = Counter(event.occurred_at.astimezone(here).date() for event in opened)
    assert days == Counter(date.fromisoformat(row["engage_date"] or "2017-12-31") for row in pipeline)


def test_maven_s_misspellings_are_mended_and_its_own_fields_kept(company: Company) -> None:
    company.bring("maven-crm", "maven_crm")
    accounts, pipeline = raw("maven_crm/accounts.csv"), raw("maven_crm/sales_pipeline.csv")
    customers = company.facts("crm.customer.registered.v1")
    assert "technolgy" not in {fact.sector for fact in customers}
    assert "Philippines" in {fact.country for fact in customers}
    names = company.vault.open([fact.name for fact in customers])
    assert sorted(map(str, names)) == sorted(row["account"] for row in accounts)
    values = Counter(fact.clear for fact in company.facts("crm.customer.field_set.v1") if fact.clear is not None)
    numbers = ("year_established", "revenue", "employees")
    assert values == Counter(float(row[name]) for row in accounts for name in numbers)
    products = {
        company.vault.derive_id("maven-crm-product", row["product"]): row["product"]
        for row in raw("maven_crm/products.csv")
    }
    sold = Counter(products[fact.product_id] for fact in company.facts("crm.opportunity.opened.v1"))
    assert sold == Counter(row["product"].replace("GTXPro", "GTX Pro") for row in pipeline)
    assert company.bring("maven-crm", "maven_crm", again=True).total("facts") == 0


OF_ACTIVITY = {
    "Assign seriousness": "crm.ticket.severity_set.v1",
    "Take in charge ticket": "crm.ticket.work_started.v1",
    "Wait": "crm.ticket.waiting.v1",
    "Resolve ticket": "crm.ticket.resolved.v1",
    "Closed": "crm.ticket.closed.v1",
}
IMPLIED = {"crm.ticket.opened.v1", "crm.ticket.reopened.v1", "crm.employee.hired.v1"}


def test_every_helpdesk_event_is_one_fact_on_its_ticket(helpdesk: Company) -> None:
    rows = raw("helpdesk/helpdesk_full.csv")
    counted = helpdesk.types()
    wanted = Counter(OF_ACTIVITY.get(row["concept:name"], "crm.ticket.noted.v1") for row in rows)
    assert len(rows) == 21_348
    assert {type_: n for type_, n in counted.items() if type_ not in IMPLIED} == wanted
    assert counted["crm.ticket.opened.v1"] == len({row["case:concept:name"] for row in rows}) == 4_580
    rome = ZoneInfo("Europe/Rome")
    clock = Counter(
        event.occurred_at.astimezone(rome).strftime("%Y-%m-%d %H:%M:%S")
        for event in helpdesk.events()
        if event.type not in IMPLIED
    )
    assert clock == Counter(row["time:timestamp"][:19] for row in rows)


def test_the_helpdesk_s_log_tells_nothing_that_its_table_did_not(helpdesk: Company) -> None:
    before = helpdesk.ledger.last_position()
    report = helpdesk.bring("helpdesk", "helpdesk/Helpdesk.xes.gz")
    assert (report.rows, report.total("facts"), helpdesk.ledger.last_position()) == (21_348, 0, before)


def test_online_retail_s_invoices_are_orders_to_the_penny(company: Company) -> None:
    company.bring("online-retail", "uci_online_retail/online_retail.csv.xz")
    rows = raw("uci_online_retail/online_retail.csv.xz")
    assert len(rows) == 541_909
    customers = {row["CustomerID"] for row in rows} - {""}
    assert company.types() == {
        "crm.order.placed.v1": len({row["InvoiceNo"] for row in rows}),
        "crm.customer.registered.v1": len(customers),
        "crm.product.registered.v1": len({row["StockCode"] for row in rows}),
    }
    by_invoice: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_invoice.setdefault(row["InvoiceNo"], []).append(row)
    for event in company.events():
        if event.type == "crm.order.placed.v1":
            fact: Any = event.fact
            of_invoice = by_invoice.pop(fact.number)
            lines = [(line.quantity, Decimal(line.unit_price), line.amount_minor) for line in fact.lines]
            assert sorted(lines) == sorted(line_of(row) for row in of_invoice)
            assert fact.kind == {"C": "return", "A": "adjustment"}.get(fact.number[0], "sale")
            assert (event.origin, fact.currency, fact.anonymous) == (
                Origin.IMPORT,
                "GBP",
                not of_invoice[0]["CustomerID"],
            )
            if not fact.anonymous:
                number = of_invoice[0]["CustomerID"].removesuffix(".0")
                assert event.subject_id == company.vault.derive_id("online-retail-customer", number)
    assert not by_invoice


def line_of(row: dict[str, str]) -> tuple[int, Decimal, int]:
    exact = int(row["Quantity"]) * Decimal(row["UnitPrice"])
    return int(row["Quantity"]), Decimal(row["UnitPrice"]), int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP))


def cdnow_rows(path: str) -> list[Sequence[str]]:
    return [line.split() for line in (DATA / path).read_text().splitlines()]


@pytest.fixture(scope="module")
def cdnow(
    postgres: PostgresServer, template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, ImportReport, ImportReport]]:
    """With the sample imported and then the whole, and the report of each."""
    rejects = tmp_path_factory.mktemp("cdnow") / "rejects.csv"
    with copied(postgres, template) as databases, company_over(databases, rejects) as company:
        sample = company.bring("cdnow-sample", "cdnow/CDNOW_sample.txt")
        yield company, sample, company.bring("cdnow", "cdnow/CDNOW_master.txt")


def test_every_cdnow_row_is_an_order_also_when_two_are_the_same(
    cdnow: tuple[Company, ImportReport, ImportReport],
) -> None:
    company, *_ = cdnow
    rows = cdnow_rows("cdnow/CDNOW_master.txt")[1:]
    assert len(rows) == 69_659
    assert company.types() == {
        "crm.order.placed.v1": len(rows),
        "crm.customer.registered.v1": len({row[0] for row in rows}),
        "crm.product.registered.v1": 1,
    }
    new_york = ZoneInfo("America/New_York")
    placed: Counter[tuple[Any, ...]] = Counter()
    for event in company.events():
        if event.type == "crm.order.placed.v1":
            [line] = event.fact.lines  # type: ignore[attr-defined]  # an order has lines
            day = event.occurred_at.astimezone(new_york).strftime("%Y%m%d")
            placed[event.subject_id, day, line.quantity, line.amount_minor] += 1
    customer = {who: company.vault.derive_id("cdnow-customer", who) for who in {row[0] for row in rows}}
    assert placed == Counter((customer[who], day, int(units), cents(dollars)) for who, day, units, dollars in rows)


def test_the_cdnow_sample_is_recognised_as_part_of_the_whole(cdnow: tuple[Company, ImportReport, ImportReport]) -> None:
    _, sample, whole = cdnow
    assert sample.files[0].rules["order"].done == len(cdnow_rows("cdnow/CDNOW_sample.txt")) == 6_919
    assert whole.files[0].rules["order"].done == 69_659 - 6_919
    assert whole.files[0].rules["order"].unchanged == 6_919
