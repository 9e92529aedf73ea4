"""An agreement's terms: which facts a partner is shown, how much of each, about whom, and what it may send us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.customer.facts import ConsentChannel
from domain.errors import InvalidError
from domain.fact import Fact
from domain.moments import Moment
from domain.period import require_period
from domain.personal import Purpose
from domain.text import Label, Text


class Mask(StrEnum):
    """How much of a value is left: of a date the year or month, of a text its first letter, of an e-mail address what
    stands behind the @, of a postal address what stands behind the last comma, of a number its first digit.
    """

    YEAR = "year"
    MONTH = "month"
    FIRST_LETTER = "first_letter"
    MAIL_DOMAIN = "mail_domain"
    COUNTRY = "country"
    FIRST_DIGIT = "first_digit"


class Scope(StrEnum):
    """Whom the facts concern: the products that the partner supplies, customers in a territory that is the partner's
    when it happens, the customers that are named, or anybody.
    """

    SUPPLIER = "supplier"
    TERRITORY = "territory"
    CUSTOMERS = "customers"
    ALL = "all"


OF_PRODUCTS = frozenset({"product", "order", "ticket", "opportunity"})
OF_CUSTOMERS = frozenset({"customer", "interaction", "opportunity", "contract", "order", "ticket"})
AGGREGATES = {
    Scope.SUPPLIER: OF_PRODUCTS,
    Scope.TERRITORY: OF_CUSTOMERS,
    Scope.CUSTOMERS: OF_CUSTOMERS,
    Scope.ALL: OF_PRODUCTS | OF_CUSTOMERS,
}

INBOUND: Mapping[str, frozenset[Scope]] = {
    "partner.availability.v1": frozenset({Scope.SUPPLIER, Scope.ALL}),
    "partner.shipment.v1": frozenset(Scope),
    "partner.service_done.v1": frozenset(Scope),
    "partner.lead.v1": frozenset({Scope.TERRITORY, Scope.ALL}),
}
"""What partners may send, each type with the scopes that can bound it; streams/inbound says what comes of it."""


class TermsError(InvalidError):
    """The agreement cannot be kept as it is written."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shown(_Part):
    """Of facts of this type, by its newest name, these fields and no others; `lines.quantity` is a part of `lines`."""

    type: Label
    fields: Annotated[tuple[Label, ...], Field(max_length=100)] = ()
    masks: dict[Label, Mask] = {}


class Accepted(_Part):
    """Events of this type are taken from the partner, about whom this scope says, by default the agreement's."""

    type: Label
    scope: Scope | None = None


class ConsentNeeded(_Part):
    """What the customer must have permitted for their facts to be passed on."""

    channel: ConsentChannel
    purpose: Purpose


class Terms(_Part):
    """`purpose` is what the partner needs it for. Facts recorded from `valid_from` on, by default from when the
    agreement is activated, up to and without `valid_until`; `imported`: history of other systems too. `row_filter` is
    an expression in CEL that a fact must fulfil. `accepts`: what the partner may send us, by default nothing.
    """

    purpose: Label
    shows: Annotated[tuple[Shown, ...], Field(min_length=1, max_length=200)]
    scope: Scope
    customers: Annotated[tuple[UUID, ...], Field(max_length=10_000)] = ()
    row_filter: Text | None = None
    consent: ConsentNeeded | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    imported: bool = False
    accepts: Annotated[tuple[Accepted, ...], Field(max_length=100)] = ()

    def shown(self, type_: str) -> Shown | None:
        return next((one for one in self.shows if one.type == type_), None)

    def accepted(self, type_: str) -> Scope | None:
        """About whom events of this type are taken; none at all unless the terms name it."""
        found = next((one for one in self.accepts if one.type == type_), None)
        return (found.scope or self.scope) if found else None


def require_terms(terms: Terms) -> None:
    """Raises TermsError, InvalidError."""
    require_period(terms.valid_from, terms.valid_until)
    if bool(terms.customers) is not (Scope.CUSTOMERS in {terms.scope, *(one.scope for one in terms.accepts)}):
        raise TermsError("customers are named where the scope is customers, and nowhere else")
    if len({shown.type for shown in terms.shows}) < len(terms.shows):
        raise TermsError("each type is shown once")
    for shown in terms.shows:
        _require_shown(shown, terms.scope)
    if len({one.type for one in terms.accepts}) < len(terms.accepts):
        raise TermsError("each type is accepted once")
    for accepted in terms.accepts:
        _require_acceptable(accepted.type, accepted.scope or terms.scope)


def _require_shown(shown: Shown, scope: Scope) -> None:
    fact = Fact.types.get(shown.type)
    if fact is None:
        raise TermsError("there are no facts of this type; name its newest version", type=shown.type)
    if shown.type.split(".")[1] not in AGGREGATES[scope]:
        raise TermsError("facts of this type are not for partners in this scope", type=shown.type, scope=scope.value)
    for path in shown.fields:
        if not _has(fact, path):
            raise TermsError("facts of this type have no such field", type=shown.type, field=path)
    if strangers := shown.masks.keys() - set(shown.fields):
        raise TermsError("what is masked must be shown", type=shown.type, fields=sorted(strangers))


def _require_acceptable(type_: str, scope: Scope) -> None:
    if (scopes := INBOUND.get(type_)) is None:
        raise TermsError("partners send no events of this type", type=type_, known=sorted(INBOUND))
    if scope not in scopes:
        possible = sorted(one.value for one in scopes)
        raise TermsError("this scope cannot bound events of this type", type=type_, scope=scope.value, scopes=possible)


def _has(model: type[BaseModel], path: str) -> bool:
    name, dot, rest = path.partition(".")
    if (field := model.model_fields.get(name)) is None:
        return False
    return not dot or any(_has(part, rest) for part in _models_in(field.annotation))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Those that a field may hold, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def narrowed(before: Terms, after: Terms) -> frozenset[str]:
    """The types of which a partner may not keep all that it was shown before."""
    fewer = _tells_of_fewer(before, after)
    return frozenset(shown.type for shown in before.shows if fewer or _shows_less(shown, after.shown(shown.type)))


def _tells_of_fewer(before: Terms, after: Terms) -> bool:
    """Or of others: whether a fact that was told would be told still, cannot be said for all of them."""
    return (
        (after.scope not in (before.scope, Scope.ALL))
        or bool(set(before.customers) - set(after.customers) and after.scope is Scope.CUSTOMERS)
        or (after.row_filter not in (before.row_filter, None))
        or (after.consent not in (before.consent, None))
        or (before.imported and not after.imported)
        or (after.valid_from is not None and (before.valid_from is None or before.valid_from < after.valid_from))
        or (after.valid_until is not None and (before.valid_until is None or after.valid_until < before.valid_until))
    )


def _shows_less(before: Shown, after: Shown | None) -> bool:
    if after is None:
        return True
    return any(_is_less(before, after, path) for path in before.fields)


def _is_less(before: Shown, after: Shown, path: str) -> bool:
    covering = covering_field(after, path)
    return covering is None or after.masks.get(covering) not in (None, before.masks.get(path))


def covering_field(shown: Shown, path: str) -> str | None:
    """The field by which it is shown: itself, or one that it is a part of."""
    steps = path.split(".")
    return next((field for n in range(len(steps), 0, -1) if (field := ".".join(steps[:n])) in shown.fields), None)
