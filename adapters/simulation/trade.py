"""Orders: placed, shipped, amended, called off, sent back, and those of which nobody knew who bought."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from adapters.simulation import words
from adapters.simulation.customers import buy
from adapters.simulation.world import RATES, Customer, Story, World
from domain.customer.facts import Kind
from domain.order.commands import (
    AmendOrder,
    CancelOrder,
    DeliverShipment,
    FailShipment,
    IdentifyOrderCustomer,
    PlaceOrder,
    ReturnShipment,
    ShipOrder,
)
from domain.order.facts import Line, OrderId, OrderKind, ShippedLine

MOST_LINES = 5
QUANTITIES = (1, 1, 1, 2, 2, 3, 4, 6)
WHOLESALE = 4  # how much more a company takes
CHANNELS = ("website", "website", "telephone", "shop", "distributor")
GOODWILL_MINOR = -500


def _choose(world: World, customer: Customer) -> tuple[Line, ...]:
    wanted = {
        product.id: product for product in (world.some_product() for _ in range(world.rng.randint(1, MOST_LINES)))
    }
    factor = WHOLESALE if customer.kind is Kind.COMPANY else 1
    rate = RATES[customer.currency]
    return tuple(
        _line(product.id, factor * world.rng.choice(QUANTITIES), round(product.price_minor * rate))
        for product in wanted.values()
    )


def _line(product_id: UUID, quantity: int, price_minor: int) -> Line:
    euros, cents = divmod(price_minor, 100)
    amount_minor = quantity * price_minor
    return Line(product_id=product_id, quantity=quantity, amount_minor=amount_minor, unit_price=f"{euros}.{cents:02d}")


def _place(world: World, customer: Customer, lines: Sequence[Line], kind: OrderKind = OrderKind.SALE) -> PlaceOrder:
    order_id = OrderId(world.new_id())
    customer.remember(order_id)
    return PlaceOrder(
        order_id=order_id,
        customer_id=customer.id,
        number=f"{kind[0].upper()}{world.number():07d}",
        kind=kind,
        currency=customer.currency,
        lines=tuple(lines),
        seller_id=customer.seller_id if customer.kind is Kind.COMPANY else None,
        country=customer.country,
        channel=world.rng.choice(CHANNELS),
        note=f"For {customer.name}: please ring twice." if world.chance(0.1) else None,
    )


def _anonymous(world: World, customer: Customer) -> PlaceOrder:
    return _place(world, customer, _choose(world, customer)).model_copy(
        update={"customer_id": None, "seller_id": None, "note": None, "channel": "shop"}
    )


def _ship(world: World, order: PlaceOrder, lines: Sequence[Line] = ()) -> ShipOrder:
    return ShipOrder(
        order_id=order.order_id,
        carrier=world.rng.choice(words.CARRIERS),
        tracking=f"T{world.number():08d}",
        lines=tuple(ShippedLine(product_id=line.product_id, quantity=line.quantity) for line in lines) or None,
        expected_on=world.today(3),
    )


def sell(world: World, customer: Customer) -> Story:
    """An order and its shipment, now and then in two parts, of which the second is still to come."""
    yield (order := _place(world, customer, _choose(world, customer)))
    yield from buy(customer)
    yield world.later(0.5, 4)
    is_parted = len(order.lines) > 1 and world.chance(0.2)
    yield _ship(world, order, order.lines[:1] if is_parted else ())
    yield world.later(1, 5)
    yield DeliverShipment(order_id=order.order_id, shipment="1")
    if is_parted:
        yield _ship(world, order, order.lines[1:])


def miss(world: World, customer: Customer) -> Story:
    """Nobody is at home: the parcel comes back, is sent again, and arrives."""
    yield (order := _place(world, customer, _choose(world, customer)))
    yield from buy(customer)
    yield world.later(0.5, 4)
    yield _ship(world, order)
    yield world.later(1, 5)
    yield FailShipment(order_id=order.order_id, shipment="1", reason="nobody was at home")
    yield world.later(3, 9)
    yield ReturnShipment(order_id=order.order_id, shipment="1", reason="not fetched")
    yield world.later(1, 3)
    yield _ship(world, order)
    yield world.later(1, 5)
    yield DeliverShipment(order_id=order.order_id, shipment="2")


def send_back(world: World, customer: Customer) -> Story:
    """One line comes back some days after the shipment."""
    yield (order := _place(world, customer, _choose(world, customer)))
    yield from buy(customer)
    yield world.later(0.5, 4)
    yield _ship(world, order)
    yield world.later(4, 25)
    line = world.rng.choice(order.lines)
    back = line.model_copy(update={"quantity": -line.quantity, "amount_minor": -line.amount_minor})
    yield _place(world, customer, [back], OrderKind.RETURN)


def call_off(world: World, customer: Customer) -> Story:
    yield (order := _place(world, customer, _choose(world, customer)))
    yield world.any_time(0.1, 2)
    yield CancelOrder(order_id=order.order_id, reason=world.rng.choice(("changed their mind", "found it at home")))


def change_order(world: World, customer: Customer) -> Story:
    """Twice as much of the first line, before it is shipped; then something off for the wait."""
    yield (order := _place(world, customer, _choose(world, customer)))
    yield from buy(customer)
    yield world.any_time(0.1, 1)
    first, *others = order.lines
    more = first.model_copy(update={"quantity": 2 * first.quantity, "amount_minor": 2 * first.amount_minor})
    yield AmendOrder(order_id=order.order_id, lines=(more, *others))
    yield world.later(0.5, 4)
    yield _ship(world, order)
    off = Line(product_id=first.product_id, quantity=1, amount_minor=GOODWILL_MINOR)
    yield _place(world, customer, [off], OrderKind.ADJUSTMENT)


def sell_unseen(world: World, customer: Customer) -> Story:
    """Nobody says who bought, and nobody ever will."""
    yield _anonymous(world, customer)


def recognise_buyer(world: World, customer: Customer) -> Story:
    """Who bought in the shop turns out later to be a customer."""
    yield (order := _anonymous(world, customer))
    yield world.any_time(1, 30)
    yield IdentifyOrderCustomer(order_id=order.order_id, customer_id=customer.id)
    yield from buy(customer)


STORIES = (
    (sell, 30),
    (miss, 1),
    (send_back, 3),
    (call_off, 2),
    (change_order, 1),
    (sell_unseen, 2),
    (recognise_buyer, 2),
)
"""What happens to orders, and how often among the stories of a deck."""
