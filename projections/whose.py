"""Whose something is that has files or is changed: declared here, once, for every way in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from domain.access.facts import Held, Rows
from domain.decider import Command, Registration
from domain.errors import UnknownError
from projections.asking import Asker, Condition, ask
from projections.catalogue import VIEWS
from projections.disclosure import Grant, NotAllowedError, act_of, allowed, seen
from projections.view import View

Read = Callable[[str, View, Sequence[Condition]], Sequence[tuple[Any, ...]]]
"""A page of a service's view."""


class Seat(NamedTuple):
    """The services that work with an aggregate, and the view whose rows say whose each is, if one does."""

    services: tuple[str, ...]
    view: View | None
    by: str = ""


SEATS: Mapping[str, Seat] = {
    "customer": Seat(("sales", "marketing", "support"), VIEWS["customer_profile"].view, "customer_id"),
    "interaction": Seat(("sales", "marketing", "support"), None),
    "opportunity": Seat(("sales",), VIEWS["pipeline"].view, "opportunity_id"),
    "contract": Seat(("sales",), VIEWS["contracts"].view, "contract_id"),
    "order": Seat(("sales",), VIEWS["orders"].view, "order_id"),
    # a seller should know that a customer has trouble, not read what they said of it
    "ticket": Seat(("support",), VIEWS["tickets"].view, "ticket_id"),
}


class Sight(NamedTuple):
    """The service through which somebody sees an aggregate, and what they may have there."""

    aggregate: str
    service: str
    grant: Grant


def seeing(roles: frozenset[Held], aggregate: str) -> Sight:
    """As the roles see most of them; NotAllowedError when none does."""
    found: list[Sight] = []
    for service in SEATS[aggregate].services:
        try:
            found.append(Sight(aggregate, service, seen(roles, service)))
        except NotAllowedError as error:
            refusal = error
    if not found:
        raise refusal
    widest = max(found, key=lambda sight: list(Rows).index(sight.grant.rows))
    if widest.grant.rows is not Rows.ALL and SEATS[aggregate].view is None:
        raise _is_nobodys(aggregate)
    return widest


def require_theirs(sight: Sight, asker: Asker, id_: UUID, read: Read) -> None:
    """Who does not see all rows has to do with what is theirs; UnknownError for the others'."""
    aggregate, service, grant = sight
    _, view, by = SEATS[aggregate]
    if grant.rows is Rows.ALL or view is None:
        return
    asked = ask(view, grant, asker, [f"{by}={id_}"], None)
    if not read(service, view, asked.conditions):
        raise UnknownError(**{aggregate: id_})


def narrows(roles: frozenset[Held], registration: Registration) -> bool:
    """Whether all of the roles that may give the command have a narrower scope; NotAllowedError when none may.

    Who may do what is not among what has owners.
    """
    act = act_of(registration.command.NAME)
    return allowed(roles, act).rows is not Rows.ALL and act == "commands"


def seeing_addressed(roles: frozenset[Held], registration: Registration) -> Sight:
    """NotAllowedError where nothing says whose that is."""
    aggregate = registration.targets[0].decider.name
    if aggregate not in SEATS:
        raise _is_nobodys(aggregate)
    return seeing(roles, aggregate)


def touched(
    roles: frozenset[Held], registration: Registration, command: Command, *, is_new: bool
) -> Iterator[tuple[Sight, UUID]]:
    """What must be theirs, of somebody who does not see all rows: what the command is addressed to, unless that begins
    with it, and each customer whom it names. Raises NotAllowedError where nothing says whose that is.
    """
    addressed, *others = registration.targets
    if not is_new:
        yield seeing_addressed(roles, registration), getattr(command, addressed.field)
    for target in others:
        if target.decider.name in SEATS and (id_ := getattr(command, target.field)) is not None:
            yield seeing(roles, target.decider.name), id_


def _is_nobodys(aggregate: str) -> NotAllowedError:
    article = "an" if aggregate[0] in "aeio" else "a"
    return NotAllowedError(f"no row says whose {article} {aggregate} is, and you do not see them all")
