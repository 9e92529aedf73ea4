"""The read models of partners, and what each view tells: nothing of who bought."""

from __future__ import annotations

from pathlib import Path

from projections.engine.readmodel import Service
from projections.partners.partners import Partner
from projections.partners.partners import partners as partner_names
from projections.partners.product_orders import product_orders
from projections.partners.products import Product, products
from projections.view import View

partners = Service(
    name="partners",
    read_models=(partner_names, products, product_orders),
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
)
