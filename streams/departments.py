"""What each department follows of the ledger: which facts, and of some only certain fields. Declared here, once.

Whoever serves a department's share — the API, a topic, the command line — asks here what belongs to it. What is sealed
is opened by the role's purposes besides: a field that is not here leaves for nobody, whatever their role.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from domain.access.facts import Held, Rows
from domain.attachment import facts as attachments
from domain.contract import facts as contracts
from domain.customer import facts as customers
from domain.employee import facts as employees
from domain.errors import InvalidError
from domain.event import Event
from domain.fact import Fact
from domain.interaction import facts as interactions
from domain.opportunity import facts as opportunities
from domain.order import facts as orders
from domain.product import facts as products
from domain.territory import facts as territories
from domain.ticket import facts as tickets
from projections.disclosure import Grant, NotAllowedError, allowed, seen
from projections.facts import content_of

Follows = Iterable[type[Fact]]
ShareOf = Callable[[Event], Mapping[str, Any]]
Fields = Mapping[type[Fact], Collection[str]]


class UnknownDepartmentError(InvalidError):
    """There is no such department; sales, marketing and support follow the ledger."""


@dataclass(frozen=True)
class Department:
    """`fields`: of these types only the fields that are named; of the others all. Types are the newest ones."""

    name: str
    types: frozenset[str]
    fields: Mapping[str, frozenset[str]]

    def follows(self, event: Event) -> bool:
        return newest(event.type) in self.types

    def narrows(self, event: Event) -> bool:
        """Whether its share is other than what is stored."""
        return event.type in self.fields or event.type in Fact.upcasters

    @property
    def stored_types(self) -> frozenset[str]:
        """Those of the facts it follows, and the older forms that are read as one of them."""
        return self.types | {old for old in Fact.upcasters if newest(old) in self.types}

    def share_of(self, event: Event) -> Mapping[str, Any]:
        """What the department is told of a fact that it follows; sealed values are sealed still."""
        content, named = content_of(event), self.fields.get(newest(event.type))
        return content if named is None else {name: part for name, part in content.items() if name in named}


def newest(type_: str) -> str:
    """The type that a stored one is read as."""
    while step := Fact.upcasters.get(type_):
        type_ = step[0]
    return type_


def _department(name: str, *follows: Follows, fields: Fields) -> Department:
    followed = [fact for facts in follows for fact in facts]
    if strangers := fields.keys() - set(followed):
        raise TypeError(f"{name} does not follow {strangers}")
    by_type = {fact.TYPE: frozenset(named) for fact, named in fields.items()}
    return Department(name, frozenset(fact.TYPE for fact in followed), by_type)


CUSTOMERS = get_args(customers.CustomerFact)
CONTRACTS = get_args(contracts.ContractFact)
OPPORTUNITIES = get_args(opportunities.OpportunityFact)
ORDERS = get_args(orders.OrderFact)
PRODUCTS = get_args(products.ProductFact)
FILES = get_args(attachments.AttachmentFact)
TERRITORIES = get_args(territories.TerritoryFact)
TICKETS = get_args(tickets.TicketFact)
INTERACTIONS = get_args(interactions.InteractionFact)
COLLEAGUES = (*get_args(employees.EmployeeFact), *get_args(employees.TeamFact))

_COMPETITORS = (
    contracts.CompetitorContractNoted,
    contracts.CompetitorContractAmended,
    contracts.CompetitorContractDropped,
)

# one type for the files of all aggregates: who sees what a file belongs to finds its name there
_NO_NAMES: Fields = {attachments.AttachmentAdded: ("aggregate", "attached_to", "media_type", "size")}

DEPARTMENTS: Mapping[str, Department] = {
    department.name: department
    for department in (
        _department(
            "sales", CUSTOMERS, CONTRACTS, OPPORTUNITIES, ORDERS, PRODUCTS, COLLEAGUES, INTERACTIONS, TICKETS,
            FILES, TERRITORIES,
            # a seller should know that a customer has trouble, not read what they said of it
            fields={
                tickets.TicketOpened: ("priority", "category", "channel", "product_id", "anonymous"),
                tickets.TicketNoted: ("activity",),
                **_NO_NAMES,
            },
        ),
        _department(
            "marketing", CUSTOMERS, INTERACTIONS, ORDERS, PRODUCTS, OPPORTUNITIES, _COMPETITORS,
            FILES,
            # what is bought and wanted counts, not for how much a colleague hopes to sell it, nor what stands in notes
            fields={
                orders.OrderPlaced: ("number", "kind", "currency", "lines", "country", "channel", "anonymous"),
                orders.OrderAmended: ("lines",),
                opportunities.OpportunityOpened: ("stage", "product_id", "source", "anonymous"),
                opportunities.OpportunityMoved: ("stage",),
                opportunities.OpportunityAmended: ("product_id",),
                **_NO_NAMES,
            },
        ),
        _department(
            "support", CUSTOMERS, TICKETS, INTERACTIONS, ORDERS, PRODUCTS, COLLEAGUES, FILES,
            (contracts.ContractSigned, contracts.ContractAmended, contracts.ContractRenewed,
             contracts.ContractTerminated),
            # whom we serve until when, not for how much
            fields={
                contracts.ContractSigned: ("number", "starts_on", "title", "ends_on", "notice_days", "auto_renews"),
                contracts.ContractAmended: ("revision", "title", "ends_on", "notice_days", "auto_renews"),
                contracts.ContractRenewed: ("ends_on",),
                **_NO_NAMES,
            },
        ),
    )
}  # fmt: skip


def find_department(name: str) -> Department:
    """Raises UnknownDepartmentError."""
    if name not in DEPARTMENTS:
        raise UnknownDepartmentError(department=name)
    return DEPARTMENTS[name]


@cache
def history_share(roles: frozenset[Held]) -> Department | None:
    """What their departments follow together, as far as they may be told it; None where that is the whole ledger.

    Raises NotAllowedError for who may read no history.
    """
    if (grant := allowed(roles, "history")).ledger:
        return None
    return _together([department for name, department in DEPARTMENTS.items() if name in grant.services])


def tell_history(events: Sequence[Event], roles: frozenset[Held]) -> tuple[Sequence[Event], ShareOf | None]:
    """Those of them that the roles are told, and how much of each; None is all of it. As `history_share` raises."""
    if (share := history_share(roles)) is None:
        return events, None
    return [event for event in events if share.follows(event)], share.share_of


def _together(departments: Sequence[Department]) -> Department:
    """A field that one of them is told is told; of a type that one of them has whole, all."""
    types = frozenset[str]().union(*(department.types for department in departments))
    fields: dict[str, frozenset[str]] = {}
    for type_ in types:
        told = [department.fields.get(type_) for department in departments if type_ in department.types]
        if None not in told:
            fields[type_] = frozenset().union(*(named for named in told if named is not None))
    return Department(" and ".join(department.name for department in departments), types, fields)


def grant_for(roles: frozenset[Held], department: str) -> Grant:
    """What they may have of a department's facts; NotAllowedError unless they see all its customers."""
    if (grant := seen(roles, department)).rows is not Rows.ALL:
        raise NotAllowedError(f"what {department} follows is of all customers, and you do not see them all")
    return grant
