"""Who sees the files of what: declared here, once, for every way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from domain.access.facts import Held, Rows
from domain.errors import UnknownError
from projections.asking import Asker, Condition, ask
from projections.catalogue import VIEWS
from projections.disclosure import Grant, NotAllowedError, seen
from projections.view import View

Read = Callable[[str, View, Sequence[Condition]], Sequence[tuple[Any, ...]]]
"""A page of a service's view."""


class Shelf(NamedTuple):
    """The services that see the files of an aggregate, and the view whose rows say whose it is, if one does."""

    services: tuple[str, ...]
    view: View | None
    by: str = ""


SHELVES: Mapping[str, Shelf] = {
    "customer": Shelf(("sales", "marketing", "support"), VIEWS["customer_profile"].view, "customer_id"),
    "interaction": Shelf(("sales", "marketing", "support"), None),
    "opportunity": Shelf(("sales",), VIEWS["pipeline"].view, "opportunity_id"),
    "contract": Shelf(("sales",), VIEWS["contracts"].view, "contract_id"),
    "order": Shelf(("sales",), VIEWS["orders"].view, "order_id"),
    # a seller should know that a customer has trouble, not read what they said of it
    "ticket": Shelf(("support",), VIEWS["tickets"].view, "ticket_id"),
}


class Sight(NamedTuple):
    """The service through which somebody sees an aggregate's files, and what they may have there."""

    aggregate: str
    service: str
    grant: Grant


def seeing(roles: frozenset[Held], aggregate: str) -> Sight:
    """As the roles see most of them; NotAllowedError when none does."""
    found: list[Sight] = []
    for service in SHELVES[aggregate].services:
        try:
            found.append(Sight(aggregate, service, seen(roles, service)))
        except NotAllowedError as error:
            refusal = error
    if not found:
        raise refusal
    widest = max(found, key=lambda sight: list(Rows).index(sight.grant.rows))
    if widest.grant.rows is not Rows.ALL and SHELVES[aggregate].view is None:
        raise NotAllowedError(f"no row says whose an {aggregate} is, and you do not see them all")
    return widest


def require_theirs(sight: Sight, asker: Asker, id_: UUID, read: Read) -> None:
    """Who does not see all rows sees the files of what is theirs; UnknownError for the others'."""
    aggregate, service, grant = sight
    _, view, by = SHELVES[aggregate]
    if grant.rows is Rows.ALL or view is None:
        return
    asked = ask(view, grant, asker, [f"{by}={id_}"], None)
    if not read(service, view, asked.conditions):
        raise UnknownError(**{aggregate: id_})
