"""The read models of sales, and what each view tells."""

from __future__ import annotations

from projections.engine.readmodel import Service
from projections.marketing.customer_profile import customer_profile
from projections.partners.products import products
from projections.sales.contracts import Contract, contracts
from projections.sales.employees import Employee, employees
from projections.sales.orders import Order, orders
from projections.sales.pipeline import Opportunity, pipeline
from projections.sales.teams import Team, teams
from projections.view import View

# what others show by name comes first: a view may only name earlier ones
sales = Service(name="sales", read_models=(employees, teams, products, customer_profile, pipeline, orders, contracts))

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
