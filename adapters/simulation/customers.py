"""Customers come, are got to know, change, turn up twice, and ask to be forgotten."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import timedelta

from adapters.simulation import words
from adapters.simulation.world import Customer, Point, Step, Story, World
from domain.customer.commands import (
    AddContact,
    AddContactPoint,
    AmendCustomer,
    ChangeCustomerStage,
    ErasePerson,
    GiveConsent,
    MergeCustomer,
    NoteNeed,
    RegisterCustomer,
    RemoveContact,
    RemoveContactPoint,
    SetField,
    UnmergeCustomer,
    WithdrawConsent,
)
from domain.customer.facts import ConsentChannel, CustomerId, Kind, PersonId, Stage
from domain.decider import Command
from domain.interaction.commands import LogInteraction
from domain.interaction.facts import Channel, Direction, InteractionId
from domain.personal import Purpose

COUNTRIES = ("PT",) * 12 + ("ES", "ES", "DE", "BR", "BR", "GB")
A_YEAR = timedelta(days=365)
ROLES = ("buyer", "owner", "kitchen chief", "bookkeeper", "caretaker")
NEEDS = ("ceramics", "cork", "textiles", "pantry", "garden", "services")


def arrive(world: World) -> Story:
    """Somebody becomes known, with a way to reach them."""
    customer = _new(world)
    yield RegisterCustomer(
        customer_id=customer.id,
        kind=customer.kind,
        name=customer.name,
        reference=f"C-{world.number():06d}" if world.chance(0.5) else None,
        source=world.rng.choice(words.SOURCES),
        country=customer.country,
        sector=world.rng.choice(words.SECTORS) if customer.kind is Kind.COMPANY else None,
        seller_id=customer.seller_id,
        partner_id=world.rng.choice(world.distributors) if world.chance(0.1) else None,
    )
    world.customers.append(customer)
    yield from _ask_leave(world, customer)
    yield _reach(world, customer, "email")
    if customer.kind is Kind.COMPANY:
        yield _introduce(world, customer)
    if world.chance(0.5):
        yield _note_need(world, customer)
    yield world.later(1, 20)
    yield _reach(world, customer, world.rng.choice(("telephone", "address")))


def _new(world: World) -> Customer:
    kind = Kind.COMPANY if world.chance(0.35) else Kind.PERSON
    name = (words.company_name if kind is Kind.COMPANY else words.person_name)(world.rng)
    country = world.rng.choice(COUNTRIES)
    return Customer(CustomerId(world.new_id()), name, kind, country, Stage.PROSPECT, world.seller())


def _reach(world: World, customer: Customer, channel: str, person_id: PersonId | None = None) -> Command:
    number = world.number()
    match channel:
        case "email":
            value = words.email(customer.name, number)
        case "telephone":
            value = words.telephone(number)
        case _:
            value = words.address(world.rng, number)
    customer.points.append(Point(channel, value, person_id))
    return AddContactPoint(customer_id=customer.id, channel=channel, value=value, person_id=person_id)


def _introduce(world: World, customer: Customer, *, minor: bool = False) -> Command:
    customer.contacts.append(person_id := PersonId(world.new_id()))
    role = "child" if minor else world.rng.choice(ROLES)
    name = words.person_name(world.rng)
    return AddContact(customer_id=customer.id, person_id=person_id, name=name, role=role, minor=minor)


def _note_need(world: World, customer: Customer) -> Command:
    """A need is noted once: when there is none left, the note tells more."""
    left = [need for need in NEEDS if need not in customer.needs]
    need = world.rng.choice(left or NEEDS)
    note = f"{customer.name} asked about it, conversation {world.number()}" if not left or world.chance(0.4) else None
    customer.needs.append(need)
    return NoteNeed(customer_id=customer.id, need=need, note=note)


def buy(customer: Customer) -> Iterator[Command]:
    """With a sale a prospect becomes a customer, and who had lapsed is back."""
    if customer.stage is not Stage.CUSTOMER:
        reason = "first sale" if customer.stage is Stage.PROSPECT else "came back"
        customer.stage = Stage.CUSTOMER
        yield ChangeCustomerStage(customer_id=customer.id, stage=Stage.CUSTOMER, reason=reason)


def _ask_leave(world: World, customer: Customer) -> Iterator[Command]:
    """Most want our e-mails, some only for a year; few want their data passed on."""
    for channel, often in ((ConsentChannel.EMAIL, 0.7), (ConsentChannel.PARTNER_SHARING, 0.2)):
        if world.chance(often):
            until = world.calendar.utc(world.now) + A_YEAR if world.chance(0.3) else None
            yield GiveConsent(customer_id=customer.id, channel=channel, purpose=Purpose.MARKETING, valid_until=until,
                              source="web form", evidence=f"{customer.name} ticked the box")  # fmt: skip


def change_mind(world: World, customer: Customer) -> Story:
    """Letters are welcome, and then they are not."""
    yield GiveConsent(customer_id=customer.id, channel=ConsentChannel.LETTER, purpose=Purpose.MARKETING,
                      source=f"conversation {world.number()}")  # fmt: skip
    yield world.later(5, 90)
    yield WithdrawConsent(customer_id=customer.id, channel=ConsentChannel.LETTER, purpose=Purpose.MARKETING,
                          source=f"conversation {world.number()}")  # fmt: skip


def lapse(world: World, customer: Customer) -> Story:
    yield world.later(1, 10)
    if customer.stage is not Stage.LAPSED:
        customer.stage = Stage.LAPSED
        yield ChangeCustomerStage(customer_id=customer.id, stage=Stage.LAPSED, reason="not heard of for long")


def know_better(world: World, customer: Customer) -> Story:
    """A need, a value under one of the company's own fields, another seller."""
    yield _note_need(world, customer)
    yield world.later(1, 15)
    yield from _set_field(world, customer)
    yield world.later(1, 15)
    others = [seller for seller in world.sellers if seller != customer.seller_id]
    customer.seller_id = world.rng.choice(others)
    yield AmendCustomer(customer_id=customer.id, seller_id=customer.seller_id)


def _set_field(world: World, customer: Customer) -> Iterator[Command]:
    own = world.rng.choice(world.fields)
    value = world.rng.choice(own.choices) if own.clear else f"{customer.name} says: {world.number()}"
    if customer.fields.get(own.id) != value:
        customer.fields[own.id] = value
        given = {"clear": value} if own.clear else {"value": value}
        yield SetField.model_validate({"customer_id": customer.id, "field_id": own.id, **given})


def change_contacts(world: World, customer: Customer) -> Story:
    """A new contact with a number of their own takes over from another one; an address is out of date."""
    yield _introduce(world, customer, minor=customer.kind is Kind.PERSON and world.chance(0.2))
    yield _reach(world, customer, "telephone", customer.contacts[-1])
    yield world.later(10, 60)
    if len(customer.contacts) > 1:
        yield RemoveContact(customer_id=customer.id, person_id=_part(customer, customer.contacts[0]))
    if customer.points:
        point = customer.points.pop(0)
        yield RemoveContactPoint(customer_id=customer.id, **point._asdict())


def _part(customer: Customer, person_id: PersonId) -> PersonId:
    customer.contacts.remove(person_id)
    customer.points = [point for point in customer.points if point.person_id != person_id]
    return person_id


def found_twice(world: World, customer: Customer) -> Story:
    """The same customer registers anew, and is recognised."""
    yield from _turn_up_again(world, customer)


def taken_for_another(world: World, customer: Customer) -> Story:
    """Two customers are taken for one, until somebody notices."""
    other_id = yield from _turn_up_again(world, customer)
    yield world.later(3, 20)
    yield UnmergeCustomer(customer_id=other_id, from_id=customer.id)
    yield world.later(1, 5)
    yield _write(world, other_id, "It seems that you mistook me for somebody else.")


def _turn_up_again(world: World, customer: Customer) -> Generator[Step, None, CustomerId]:
    other_id = CustomerId(world.new_id())
    yield RegisterCustomer(customer_id=other_id, kind=customer.kind, name=customer.name.upper(), source="website",
                           country=customer.country)  # fmt: skip
    yield AddContactPoint(customer_id=other_id, channel="email", value=words.email(customer.name, world.number()))
    yield _write(world, other_id, f"Good day, {customer.name} here: how do I become a customer?")
    yield world.later(2, 30)
    yield MergeCustomer(customer_id=other_id, into_id=customer.id)
    return other_id


def _write(world: World, customer_id: CustomerId, content: str) -> Command:
    return LogInteraction(interaction_id=InteractionId(world.new_id()), customer_id=customer_id, content=content,
                          channel=Channel.EMAIL, direction=Direction.INBOUND)  # fmt: skip


def forget(world: World, customer: Customer) -> Story:
    """The customer wants to be forgotten as a whole, and nothing more is told of them."""
    yield ErasePerson(customer_id=customer.id)
    customer.gone = True
    world.customers.remove(customer)


def forget_contact(world: World, customer: Customer) -> Story:
    """One who speaks for the customer wants to be forgotten."""
    yield _introduce(world, customer)
    yield world.later(1, 3)
    yield ErasePerson(customer_id=customer.id, person_id=_part(customer, customer.contacts[-1]))


STORIES = (
    (know_better, 5),
    (change_mind, 2),
    (change_contacts, 4),
    (found_twice, 2),
    (taken_for_another, 1),
    (lapse, 2),
)
"""What happens to customers, and how often among the stories of a deck."""
