"""The read models of marketing, and what each view tells."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from projections.engine.readmodel import Service
from projections.marketing.consents_said import ConsentSaid, consents_said
from projections.marketing.customer_profile import CustomerProfile, customer_profile
from projections.marketing.fields import Field, fields
from projections.marketing.interactions import Interactions, interactions
from projections.marketing.purchases import COMPANY_ZONE, Purchase, purchases_in
from projections.view import View


def marketing_in(zone: tzinfo = COMPANY_ZONE) -> Service:
    """With the days of a company's time zone; another one than before needs `purchases` rebuilt."""
    models = (fields, customer_profile, consents_said, purchases_in(zone), interactions)
    return Service(name="marketing", read_models=models, views=Path(__file__).with_name("views.sql"))


VIEWS = (
    View(
        name="customers",
        title="Customers",
        help="One row for each customer, prospects too: who they are, how they are reached, what they need and bought.",
        columns=(
            *("customer_id", "kind", "stage", "name", "reference", "source", "country", "sector", "seller_id"),
            *("registered_at", "erased", "fields", "also_known_as", "needs", "contacts", "contact_points", "purchases"),
            *("contacts_made", "last_contact_at"),
        ),
        sealed=("name", "reference", "fields", "contacts", "contact_points"),
        key=("customer_id",),
    ),
    View(
        name="rfm",
        title="Recency, frequency, money",
        help="By customer and currency: days since the last sale, sales, days with a sale, and what came in"
        " less returns; what was cancelled does not count.",
        columns=(
            *("customer_id", "currency", "recency_days", "frequency", "order_days", "money_minor", "returns"),
            *("first_order_at", "last_order_at", "first_day", "last_day", "contacts", "last_contact_at"),
        ),
        key=("customer_id", "currency"),
    ),
    View(
        name="prospects",
        title="Prospects",
        help="Customers to be, with what they need and where they were found.",
        columns=("customer_id", "name", "source", "needs", "country", "sector", "seller_id", "registered_at", "erased"),
        sealed=("name",),
        key=("customer_id",),
    ),
    View(
        name="prospects_by_need_and_source",
        title="Prospects by need and source",
        help="A prospect with several needs counts under each, one without under none; the erased cannot be reached.",
        columns=("need", "source", "prospects", "reachable"),
        key=("need", "source"),
    ),
    View(
        name="consents",
        title="Consents",
        help="What customers and contacts permit now, by channel and purpose: given, not_yet, expired or withdrawn."
        " Of customers who were merged the strictest counts, until the one who stands says something new.",
        columns=(
            *("customer_id", "person_id", "channel", "purpose", "standing", "valid_from", "valid_until", "said_at"),
            *("said_to", "source", "evidence"),
        ),
        sealed=("evidence",),
        key=("customer_id", "person_id", "channel", "purpose"),
    ),
    View(
        name="customer_profile",
        title="Customers as registered",
        help="Each customer under its own id, merged ones too.",
        columns=CustomerProfile._fields,
        sealed=("name", "reference", "fields", "contacts", "contact_points"),
        key=("customer_id",),
        subject="customer_id",
    ),
    View(
        name="consents_said",
        title="Consents as they were said",
        help="The last that each customer and contact said; each customer under its own id, merged ones too.",
        columns=ConsentSaid._fields,
        sealed=("evidence",),
        key=("customer_id", "person_id", "channel", "purpose"),
        subject="customer_id",
    ),
    View(
        name="fields",
        title="Own fields",
        help="The fields that the company gives its customers: name, kind, choices, whether values are kept sealed.",
        columns=Field._fields,
        key=("field_id",),
    ),
    View(
        name="purchases",
        title="Purchases",
        help="What each order counts in recency, frequency and money, on the company's day.",
        columns=(*Purchase._fields, "customer_id"),
        key=("order_id",),
        subject="subject_id",
    ),
    View(
        name="interactions",
        title="Interactions",
        help="How often there was contact with each customer, and when.",
        columns=(*Interactions._fields, "customer_id"),
        key=("subject_id",),
        subject="subject_id",
    ),
)
