"""What can be found: which fields of which things, and in which departments somebody must be to be shown them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from domain.access.facts import Held, Rows
from domain.personal import Purpose
from projections.asking import Asker, ask
from projections.disclosure import Grant, NotAllowedError, seen
from projections.view import View


class Kind(StrEnum):
    """A contact is found by their name, and by where they are reached."""

    CUSTOMER = "customer"
    CONTACT = "contact"
    INTERACTION = "interaction"
    TICKET = "ticket"


class Field(NamedTuple):
    """`departments` are told what stands in it, as their read models and their shares of the ledger are."""

    departments: frozenset[str]
    purpose: Purpose = Purpose.SERVICE


ALL = frozenset({"sales", "marketing", "support"})
FIELDS: Mapping[str, Field] = {
    "names": Field(ALL),
    "contact_point": Field(ALL),
    "own_field": Field(ALL),
    "contact_name": Field(ALL),
    "child_name": Field(ALL, Purpose.MINORS),
    "content": Field(ALL),
    "note": Field(ALL),
    "summary": Field(frozenset({"support"})),
    "ticket_note": Field(frozenset({"support"})),
}

FOUND = View(
    name="found",
    title="What was found",
    help="One row for each text; `employee_id` is whose it is: the customer's seller, the ticket's agent.",
    columns=(
        *("kind", "thing_id", "score", "field", "item", "text", "occurred_at", "customer_id", "customer_name"),
        *("employee_id", "erased"),
    ),
    sealed=("text", "customer_name"),
    key=("kind", "thing_id", "field", "item"),
)


class Share(NamedTuple):
    """Fields that somebody may be shown, whose values the grant opens; of the `owners`' things only, if there are."""

    fields: tuple[str, ...]
    grant: Grant
    owners: tuple[str, ...] | None


def shares_of(roles: frozenset[Held], asker: Asker) -> Sequence[Share]:
    """What is to be searched for somebody; NotAllowedError when that is nothing."""
    by_grant: dict[Grant, list[str]] = {}
    for name, field in FIELDS.items():
        if grants := [g for g in _grants(roles, field.departments) if field.purpose in g.opens]:
            by_grant.setdefault(max(grants, key=_width), []).append(name)
    if not by_grant:
        raise NotAllowedError("none of your roles sees customers, so there is nothing to search")
    return [Share(tuple(fields), grant, _owners(grant, asker)) for grant, fields in by_grant.items()]


def _grants(roles: frozenset[Held], departments: Collection[str]) -> list[Grant]:
    found: list[Grant] = []
    for department in sorted(departments):
        try:
            found.append(seen(roles, department))
        except NotAllowedError:
            continue
    return found


def _width(grant: Grant) -> int:
    return list(Rows).index(grant.rows)


def _owners(grant: Grant, asker: Asker) -> tuple[str, ...] | None:
    """As every other page is narrowed."""
    conditions = ask(FOUND, grant, asker, (), None).conditions
    return tuple(conditions[0].value.split(",")) if conditions else None
