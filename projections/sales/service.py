"""The read models of sales, and what each view tells."""

from __future__ import annotations

from pathlib import Path

from projections.engine.readmodel import Service
from projections.marketing.customer_profile import customer_profile
from projections.partners.availability import availability
from projections.partners.partners import partners
from projections.partners.products import products
from projections.partners.territories import territories
from projections.sales.contracts import Contract, contracts
from projections.sales.customer_places import CustomerPlaces, customer_places
from projections.sales.employees import Employee, employees
from projections.sales.orders import Order, orders
from projections.sales.pipeline import Opportunity, pipeline
from projections.sales.shipments import shipments
from projections.sales.teams import Team, teams
from projections.view import View

# what others show by name comes first: a view may only name earlier ones
sales = Service(
    name="sales",
    read_models=(
        *(employees, teams, partners, products, availability, territories, customer_profile, customer_places),
        *(pipeline, orders, shipments, contracts),
    ),
    views=Path(__file__).with_name("views.sql"),
)

VIEWS = (
    View(
        name="pipeline",
        title="Pipeline",
        help="Opportunities, open, won and lost, with stage, amount and seller; without a customer while anonymous.",
        columns=("customer_name", "product_name", "seller_name", *Opportunity._fields, "customer_id"),
        sealed=("customer_name", "seller_name"),
        key=("opportunity_id",),
        subject="subject_id",
    ),
    View(
        name="pipeline_by_stage",
        title="Pipeline by stage",
        help="Opportunities counted and added up by stage, seller and currency; closed ones stand under won and lost.",
        columns=("stage", "seller_name", "currency", "opportunities", "amount_minor", "seller_id"),
        sealed=("seller_name",),
        key=("stage", "seller_id", "currency"),
    ),
    View(
        name="orders",
        title="Orders",
        help="The order history: sales, returns (negative) and adjustments, shipments, and what was cancelled.",
        columns=("customer_name", "seller_name", *Order._fields, "customer_id"),
        sealed=("customer_name", "seller_name", "note"),
        key=("order_id",),
        subject="subject_id",
    ),
    View(
        name="orders_by_customer",
        title="Orders by customer",
        help="What each customer has ordered in each currency; what was cancelled does not count.",
        columns=(
            *("customer_name", "currency", "sales", "returns", "adjustments", "total_minor", "first_at", "last_at"),
            "customer_id",
        ),
        sealed=("customer_name",),
        key=("customer_id", "currency"),
    ),
    View(
        name="shipments",
        title="Shipments",
        help="What left for an order, when, by whom, and what became of it.",
        columns=(
            *("number", "shipment", "status", "carrier", "tracking", "units", "lines", "expected_on", "shipped_at"),
            *("delivered_at", "changed_at", "reason", "customer_name", "order_id", "partner_id", "seller_id"),
            *("subject_id", "customer_id"),
        ),
        sealed=("customer_name",),
        key=("order_id", "shipment"),
        subject="subject_id",
    ),
    View(
        name="order_shipping",
        title="Orders by shipment",
        help="How far each sale has come: open, partly_shipped, shipped, delivered, cancelled; its shipments counted.",
        columns=(
            *("number", "status", "units", "units_sent", "shipments", "under_way", "delivered", "failed", "returned"),
            *("placed_at", "last_at", "customer_name", "order_id", "seller_id", "subject_id", "customer_id"),
        ),
        sealed=("customer_name",),
        key=("order_id",),
        subject="subject_id",
    ),
    View(
        name="product_availability",
        title="Products that can be sold",
        help="The price of each, how much we have, and what its supplier said; what was withdrawn is left out.",
        columns=(
            *("name", "sku", "series", "category", "price_minor", "currency", "level", "quantity", "expected_on"),
            *("reported_at", "supplier_name", "supplier_level", "supplier_quantity", "supplier_expected_on"),
            *("supplier_reported_at", "product_id", "supplier_id"),
        ),
        key=("product_id",),
    ),
    View(
        name="responsibilities",
        title="Who is responsible for a customer",
        help="Which partner, by territory, from when, and until when if it ends; filter by customer_id and is_current.",
        columns=(
            *("territory_name", "partner_name", "country", "responsible_from", "responsible_until", "is_current"),
            *("customer_id", "territory_id", "partner_id"),
        ),
        key=("customer_id", "territory_id", "partner_id", "responsible_from"),
    ),
    View(
        name="customer_places",
        title="Where customers are, and were",
        help="The countries of each customer, and since when; each under its own id, merged ones too.",
        columns=CustomerPlaces._fields,
        key=("customer_id",),
        subject="customer_id",
    ),
    View(
        name="contracts",
        title="Contracts",
        help="Our contracts with customers, and those that we know they have with competitors.",
        columns=("customer_name", "seller_name", *Contract._fields, "customer_id"),
        sealed=("customer_name", "seller_name", "document"),
        key=("contract_id",),
        subject="subject_id",
    ),
    View(
        name="contracts_due",
        title="Contracts due for renewal",
        help="Active contracts, ours and competitors', that end from today on; filter by days_left or days_to_notice.",
        columns=(
            *("customer_name", "supplier", "competitor", "number", "title", "need", "ends_on", "days_left"),
            *("notice_by", "days_to_notice", "auto_renews", "value_minor", "currency", "revision", "seller_name"),
            *("contract_id", "seller_id", "subject_id", "customer_id"),
        ),
        sealed=("customer_name", "seller_name"),
        key=("ends_on", "contract_id"),
        subject="subject_id",
    ),
    View(
        name="employees",
        title="Employees",
        help="Who works here or did.",
        columns=Employee._fields,
        sealed=("name", "reference"),
        key=("employee_id",),
    ),
    View(name="teams", title="Teams", help="Teams of employees.", columns=Team._fields, key=("team_id",)),
)
