"""The read models of partners, and what each view tells: nothing of who bought."""

from __future__ import annotations

from pathlib import Path

from projections.engine.readmodel import Service
from projections.partners.agreements import agreements
from projections.partners.availability import availability
from projections.partners.endpoints import endpoints
from projections.partners.feeds import Feed, feeds
from projections.partners.leads import Lead, leads
from projections.partners.partners import Partner
from projections.partners.partners import partners as partner_names
from projections.partners.product_orders import product_orders
from projections.partners.products import Product, products
from projections.partners.territories import territories
from projections.view import View

partners = Service(
    name="partners",
    # what others show by name comes first: a view may only name earlier ones
    read_models=(
        *(partner_names, products, product_orders, availability, territories, leads),
        *(feeds, agreements, endpoints),
    ),
    views=Path(__file__).with_name("views.sql"),
)

VIEWS = (
    View(
        name="supplier_orders",
        title="Orders of a supplier's products",
        help="Each line of an order of a product that a partner supplies; filter by supplier_id.",
        columns=(
            *("supplier_name", "product_name", "sku", "number", "kind", "quantity", "amount_minor", "currency"),
            *("country", "placed_at", "cancelled_at", "order_id", "line", "product_id", "supplier_id"),
        ),
        key=("order_id", "line"),
    ),
    View(
        name="supplier_sales",
        title="Sales of a supplier's products",
        help="What was sold of each product by currency, less what was returned; what was cancelled does not count.",
        columns=(
            *("supplier_name", "product_name", "currency", "orders", "quantity", "amount_minor", "last_order_at"),
            *("product_id", "supplier_id"),
        ),
        key=("product_id", "currency"),
    ),
    View(
        name="product_orders",
        title="Orders by product",
        help="Each line of each order, whoever supplies it.",
        columns=(
            *("order_id", "line", "number", "kind", "product_id", "quantity", "amount_minor", "currency", "country"),
            *("placed_at", "cancelled_at"),
        ),
        key=("order_id", "line"),
    ),
    View(
        name="products",
        title="Products",
        help="What is sold, its price and its supplier.",
        columns=Product._fields,
        key=("product_id",),
    ),
    View(
        name="partners",
        title="Partners",
        help="Suppliers and distributors.",
        columns=Partner._fields,
        key=("partner_id",),
    ),
    View(
        name="availability",
        title="Availability",
        help="How much there is of each product at each partner who said so, and at us where no partner is named.",
        columns=(
            *("product_name", "sku", "partner_name", "level", "quantity", "expected_on", "reported_at"),
            *("product_id", "partner_id"),
        ),
        key=("product_id", "partner_id"),
    ),
    View(
        name="agreements",
        title="Agreements",
        help="What each partner's feed follows, whether it holds, and which tombstones of the feed are acknowledged.",
        columns=(
            *("partner_name", "purpose", "state", "scope", "types", "row_filter", "in_force", "versions"),
            *("feed_state", "acknowledged", "acknowledged_at", "closed_at", "closing"),
            *("drafted_at", "changed_at", "agreement_id", "partner_id"),
        ),
        key=("agreement_id",),
    ),
    View(
        name="endpoints",
        title="Endpoints",
        help="Where feeds are delivered as webhooks; how far that has come, `relato webhook list` tells.",
        columns=(
            *("partner_name", "url", "state", "reason", "signing", "added_at", "changed_at"),
            *("endpoint_id", "agreement_id", "partner_id"),
        ),
        key=("endpoint_id",),
    ),
    View(
        name="feeds",
        title="Feeds",
        help="Up to where tombstones were acknowledged, and which feeds are closed; `agreements` shows whose they are.",
        columns=Feed._fields,
        key=("feed_id",),
    ),
    View(
        name="leads",
        title="Leads",
        help="The opportunities that each partner passed to us, and how far they have come.",
        columns=("partner_name", *Lead._fields),
        key=("opportunity_id",),
    ),
    View(
        name="territories",
        title="Territories",
        help="Which countries belong together; who is responsible for them, the territories' partners tell.",
        columns=("territory_id", "name", "countries", "formed_at", "closed_at"),
        key=("territory_id",),
    ),
    View(
        name="territory_partners",
        title="Territories' partners",
        help="Which partner was, is or will be responsible for which countries, from when, and until when.",
        columns=(
            *("territory_name", "partner_name", "countries", "responsible_from", "responsible_until", "is_current"),
            *("territory_id", "partner_id"),
        ),
        key=("territory_id", "partner_id", "responsible_from"),
    ),
)
