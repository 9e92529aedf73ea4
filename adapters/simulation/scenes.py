"""What each audience sees of a simulated year: a few rows of its read models, opened as far as its role may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from adapters.postgres.views import reading
from domain.access.facts import Role
from projections.disclosure import GRANTS, Disclosure, as_sealed
from projections.engine.statements import read_statements

SQL = Path(__file__).with_name("scenes.sql")

Row = Mapping[str, Any]
Rows = Sequence[Row]
Connect = Callable[[str], psycopg.Connection[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One table for one audience. `columns` are those that are shown, with their headings; `sealed` are opened.

    `told` may name columns of the first row.
    """

    name: str
    role: Role
    title: str
    told: str
    columns: Mapping[str, str]
    sealed: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        return "partners" if self.role is Role.PARTNER else str(self.role)


SCENES = (
    Scene(
        name="pipeline",
        role=Role.SALES,
        title="The pipeline by stage",
        told="Each deal is one row of the read model, whatever became of it; the sums are made when you ask.",
        columns={"stage": "stage", "deals": "deals", "eur_minor": "EUR", "brl_minor": "BRL", "gbp_minor": "GBP"},
    ),
    Scene(
        name="contracts_due",
        role=Role.SALES,
        title="Contracts that end soon, ours and competitors'",
        told="{found} end within 90 days of the year's last; a competitor's is a chance.",
        columns={"customer_name": "customer", "supplier": "with", "what": "for", "ends_on": "ends",
                 "days_left": "days left", "value_minor": "value"},
        sealed=("customer_name",),
    ),
    Scene(
        name="best_customers",
        role=Role.MARKETING,
        title="The best customers: recency, frequency, money",
        told="Of {found} customers who bought; what was returned or cancelled does not count.",
        columns={"customer_name": "customer", "days_since": "days since", "sales": "sales", "money_minor": "money",
                 "contacts": "talks"},
        sealed=("customer_name",),
    ),
    Scene(
        name="prospects",
        role=Role.MARKETING,
        title="Prospects by need, and where they were found",
        told="Who has two needs counts under both.",
        columns={"need": "need", "prospects": "prospects", "website": "website", "fair": "fair",
                 "recommendation": "recommendation", "other": "elsewhere"},
    ),
    Scene(
        name="ticket_queue",
        role=Role.SUPPORT,
        title="The ticket queue",
        told="{found} tickets are open on the year's last day, the most urgent first.",
        columns={"priority": "priority", "status": "status", "days_open": "days open", "customer_name": "customer",
                 "summary": "summary"},
        sealed=("customer_name", "summary", "agent_name"),
    ),
    Scene(
        name="agents",
        role=Role.SUPPORT,
        title="Time to resolution, by agent",
        told="From the opening, or the last reopening; every resolution counts for who offered it.",
        columns={"agent_name": "agent", "resolutions": "resolutions", "median_s": "median",
                 "p90_s": "nine of ten within"},
        sealed=("agent_name",),
    ),
    Scene(
        name="supplier_orders",
        role=Role.PARTNER,
        title="The latest orders of its products",
        told="{found} lines in the year. No customer's name, and no line of anybody else's product.",
        columns={"placed_at": "placed", "number": "order", "product_name": "product", "quantity": "quantity",
                 "amount_minor": "amount", "country": "country"},
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Viewer:
    """Looks at the read models on the year's last day, whatever day it is."""

    connect: Connect
    disclosure: Disclosure
    zone: ZoneInfo
    year: int

    @property
    def today(self) -> date:
        return date(self.year, 12, 31)

    @property
    def night(self) -> datetime:
        """The moment at which the year is over."""
        return datetime.combine(self.today + timedelta(days=1), time(), self.zone).astimezone(UTC)

    def find_supplier(self) -> tuple[UUID, str]:
        [row] = self._ask("partners", "supplier", {})
        return row["supplier_id"], row["supplier_name"]

    def find_well_known(self, customers: Sequence[UUID]) -> UUID:
        [row] = self._ask("audit", "well_known", {"customers": list(customers)})
        found: UUID = row["customer_id"]
        return found

    def find_foreign_product(self, supplier_id: UUID) -> UUID:
        [row] = self._ask("partners", "foreign_product", {"supplier": supplier_id})
        found: UUID = row["product_id"]
        return found

    def see(self, scene: Scene, supplier_id: UUID) -> Rows:
        given = {"today": self.today, "now": self.night, "supplier": supplier_id}
        rows = self._ask(scene.service, scene.name, given)
        marked = [{name: as_sealed(v) if name in scene.sealed else v for name, v in row.items()} for row in rows]
        return self.as_role(scene.role).open_within(marked)

    def as_role(self, role: Role) -> Disclosure:
        return Disclosure(self.disclosure.vault, self.disclosure.keys, GRANTS[role])

    def _ask(self, service: str, statement: str, given: Mapping[str, Any]) -> Rows:
        with closing(self.connect(service)) as db, reading(db, self.zone), db.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(read_statements(SQL)[statement].encode(), given).fetchall()


def without_names(scene: Scene, rows: Rows) -> Rows:
    """What an erasure must leave as it was: everything but the columns that were sealed."""
    return [{name: value for name, value in row.items() if name not in scene.sealed} for row in rows]
