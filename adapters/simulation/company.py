"""The company itself: its partners, products, people and own fields, and what becomes of them in the year."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adapters.simulation import words
from adapters.simulation.world import Field, Product, Story, World
from domain.decider import Command
from domain.employee.commands import AmendEmployee, AmendTeam, FormTeam, HireEmployee, LeaveEmployee
from domain.employee.facts import EmployeeId, TeamId
from domain.field.commands import AmendField, DefineField, RetireField
from domain.field.facts import FieldId, FieldType
from domain.money import Money
from domain.partner.commands import AmendPartner, RegisterPartner, RemovePartner
from domain.partner.facts import PartnerId, PartnerKind
from domain.product.commands import (
    AmendProduct,
    ChangeProductPrice,
    RegisterProduct,
    ReportProductAvailability,
    WithdrawProduct,
)
from domain.product.facts import Level, ProductId
from domain.territory.commands import (
    AmendTerritory,
    AssignTerritoryPartner,
    CloseTerritory,
    FormTerritory,
    ReleaseTerritoryPartner,
)
from domain.territory.facts import TerritoryId

SUPPLIERS = ("Olaria da Lua Cheia", "Cortiças Sobreiro Sonhador", "Tecelagem Três Novelos", "Despensa do Avesso",
             "Hortas Suspensas", "Oficina Invisível")  # fmt: skip
DISTRIBUTORS = ("Carroça Rápida", "Armazéns Nuvem Baixa", "Barco do Meio-Dia")
TERRITORIES = (("Lusitânia", ("PT",)), ("Europa", ("ES", "DE", "GB")), ("Além-Mar", ("BR",)))
TEAMS = ("Sales North", "Sales South", "Support", "Marketing")
REGIONS = ("north", "south", "everywhere", "everywhere")
PEOPLE = (("seller", 0), ("seller", 0), ("seller", 0), ("seller", 1), ("seller", 1), ("seller", 1),
          ("support agent", 2), ("support agent", 2), ("support agent", 2), ("support agent", 2),
          ("campaign planner", 3))  # fmt: skip

# name, series, euro cents; four of each supplier's, who are in the same order
PRODUCTS = (
    *(("Galo Bowl", "ceramics", 2400), ("Sardinha Plate", "ceramics", 1850)),
    *(("Maré Jug", "ceramics", 3900), ("Azulejo Tray", "ceramics", 5200)),
    *(("Cortiça Satchel", "cork", 7900), ("Rolha Stool", "cork", 11_500)),
    *(("Sobreiro Desk Mat", "cork", 3300), ("Casca Lamp", "cork", 8900)),
    *(("Ovelha Blanket", "textiles", 6800), ("Linho Apron", "textiles", 2950)),
    *(("Lã Slippers", "textiles", 2700), ("Chita Curtain", "textiles", 4600)),
    *(("Figo Jam", "pantry", 650), ("Flor de Sal Tin", "pantry", 480)),
    *(("Azeite Cask", "pantry", 4200), ("Malagueta Paste", "pantry", 590)),
    *(("Horta Planter", "garden", 5900), ("Regador Can", "garden", 3100)),
    *(("Poço Pump", "garden", 24_500), ("Formiga Rake", "garden", 1900)),
    *(("Care Plan", "services", 12_000), ("Installation Visit", "services", 9500)),
    *(("Tasting Workshop", "services", 15_000), ("Repair Hour", "services", 4500)),
)
FEW = 10
FIELDS = (
    ("favourite colour", FieldType.CHOICE, True, ("blue", "green", "ochre")),
    ("newsletter language", FieldType.CHOICE, True, ("pt", "en", "es")),
    ("delivery hint", FieldType.TEXT, False, ()),
    ("shoe size", FieldType.TEXT, False, ()),
)


def found(world: World) -> Story:
    """Everything the company has on its first day."""
    for names, kind, known in ((SUPPLIERS, PartnerKind.SUPPLIER, world.suppliers),
                               (DISTRIBUTORS, PartnerKind.DISTRIBUTOR, world.distributors)):  # fmt: skip
        for name in names:
            known.append(partner_id := world.new_id())
            yield RegisterPartner(partner_id=PartnerId(partner_id), name=name, kind=kind, country="PT")
    yield from _employ(world)
    for n, (name, series, price_minor) in enumerate(PRODUCTS):
        yield _register(world, name, series, price_minor, n * len(SUPPLIERS) // len(PRODUCTS))
    for name, type_, clear, choices in FIELDS:
        world.fields.append(own := Field(world.new_id(), clear, choices))
        yield DefineField(field_id=FieldId(own.id), name=name, type=type_, clear=clear, choices=choices)
    yield from _divide(world)


def _employ(world: World) -> Iterator[Command]:
    for name, region in zip(TEAMS, REGIONS, strict=True):
        world.teams.append(team_id := world.new_id())
        yield FormTeam(team_id=TeamId(team_id), name=name, region=region)
    for role, team in PEOPLE:
        yield _hire(world, role, team)


def _hire(world: World, role: str, team: int) -> Command:
    employee_id = world.new_id()
    {"seller": world.sellers, "support agent": world.agents}.get(role, []).append(employee_id)
    return HireEmployee(employee_id=EmployeeId(employee_id), name=words.person_name(world.rng), role=role,
                        team_id=world.teams[team], region=REGIONS[team])  # fmt: skip


def _register(world: World, name: str, series: str, price_minor: int, supplier: int) -> Command:
    world.products.append(product := Product(world.new_id(), name, price_minor, world.suppliers[supplier]))
    price = Money(amount_minor=price_minor, currency="EUR")
    return RegisterProduct(product_id=ProductId(product.id), name=name, sku=f"SKU-{len(world.products):03d}",
                           series=series, price=price, supplier_id=product.supplier_id)  # fmt: skip


def _divide(world: World) -> Iterator[Command]:
    """The countries are divided among the distributors."""
    for (name, countries), partner_id in zip(TERRITORIES, world.distributors, strict=True):
        world.territories.append(territory_id := world.new_id())
        yield FormTerritory(territory_id=TerritoryId(territory_id), name=name, countries=countries)
        yield AssignTerritoryPartner(territory_id=TerritoryId(territory_id), partner_id=PartnerId(partner_id),
                                     valid_from=world.calendar.utc(world.now))  # fmt: skip


def spring(world: World) -> Story:
    """A newcomer, a new product, a longer list of choices."""
    yield _hire(world, "seller", 1)
    yield _register(world, "Caracol Teapot", "ceramics", 4700, 0)
    own = world.fields[0]
    own.choices = (*own.choices, "violet")
    yield AmendField(field_id=FieldId(own.id), choices=own.choices)


def summer(world: World) -> Story:
    """Names and places change, and an old product goes."""
    yield AmendPartner(partner_id=PartnerId(world.suppliers[3]), name="Despensa do Avesso & Sobrinhas")
    yield AmendTeam(team_id=TeamId(world.teams[2]), name="Customer Care")
    yield AmendProduct(product_id=ProductId(world.products[0].id), category="bestsellers")
    withdrawn = world.products.pop()
    yield WithdrawProduct(product_id=ProductId(withdrawn.id), reason="too few were sold")


def autumn(world: World) -> Story:
    """One moves to another team, one leaves, a partner is lost, a field is given up."""
    yield AmendEmployee(employee_id=EmployeeId(world.sellers[0]), team_id=world.teams[1], region=REGIONS[1])
    yield LeaveEmployee(employee_id=EmployeeId(world.agents.pop()))
    yield from _lose_distributor(world)
    yield RetireField(field_id=FieldId(world.fields.pop().id))


def _lose_distributor(world: World) -> Iterator[Command]:
    """What was theirs goes to the first."""
    partner_id, territory_id = PartnerId(world.distributors.pop()), TerritoryId(world.territories.pop())
    yield ReleaseTerritoryPartner(
        territory_id=territory_id, partner_id=partner_id, valid_until=world.calendar.utc(world.now)
    )
    yield CloseTerritory(territory_id=territory_id, reason="given to another")
    yield AmendTerritory(territory_id=TerritoryId(world.territories[0]), countries=("PT", "BR"))
    yield RemovePartner(partner_id=partner_id, reason="the boat found another harbour")


def count_stock(world: World) -> Story:
    """How much there is of every other product, and of one of them at its supplier."""
    counted = world.products[world.number() % 2 :: 2]
    for product in counted:
        product.stock = (product.stock + world.rng.randint(1, 60)) % 90
        level = Level.OUT_OF_STOCK if not product.stock else Level.LOW if product.stock < FEW else Level.IN_STOCK
        expected_on = world.today(14) if product.stock < FEW else None
        yield ReportProductAvailability(
            product_id=ProductId(product.id), level=level, quantity=product.stock, expected_on=expected_on
        )
    theirs = world.rng.choice(counted)
    yield ReportProductAvailability(product_id=ProductId(theirs.id), level=Level.IN_STOCK,
                                    quantity=10 * world.number(), partner_id=theirs.supplier_id)  # fmt: skip


def reprice(world: World) -> Story:
    """Every third product gets another price."""
    for product in world.products[world.number() % 3 :: 3]:
        product.price_minor = round(product.price_minor * world.rng.choice((0.95, 1.04, 1.08)) / 10) * 10
        yield ChangeProductPrice(
            product_id=ProductId(product.id), price=Money(amount_minor=product.price_minor, currency="EUR")
        )


LIFE: tuple[tuple[int, Callable[[World], Story]], ...] = (
    (20, count_stock), (40, reprice), (75, spring), (100, count_stock), (130, reprice), (180, summer),
    (200, count_stock), (230, reprice), (270, autumn), (300, count_stock), (310, reprice),
)  # fmt: skip
"""What happens on which day of the year."""
