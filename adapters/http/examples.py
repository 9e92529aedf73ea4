"""An example of each command, made from its fields; a test gives them all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from adapters.giving import plain_type
from domain.decider import Registration

AN_ID = "0199b0c2-7d1e-7a3b-8c4d-5e6f7a8b9c0d"
BY_NAME: Mapping[str, Any] = {
    "name": "Ana Lima",
    "title": "Chairs for the new office",
    "country": "PT",
    "channel": "email",
    "value": "ana@example.com",
    "role": "buyer",
    "need": "ergonomic chairs",
    "summary": "The chair arrived without its wheels",
    "content": "Asked for a quotation by Friday.",
    "number": "2026-0017",
    "currency": "EUR",
    "amount": "1250.00 EUR",
    "price": "125.00 EUR",
    "value_minor": 125_000,
    "quantity": 2,
    "amount_minor": 1_999,
    "code": "CH-200",
    "category": "chairs",
    "competitor": "Cadeiras do Norte",
    "aggregate": "customer",
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "replaces": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    "reason": "they asked for it",
    "note": "as agreed on the telephone",
    "url": "https://partner.example/hooks/relato",
    "terms": {
        "purpose": "to deliver what was ordered",
        "shows": [{"type": "crm.order.placed.v1", "fields": ["number", "lines.product_id", "lines.quantity"]}],
        "scope": "supplier",
        "row_filter": "fact.country == 'PT'",
    },
}
OPTIONAL = ("name", "title", "country", "reason", "summary", "note")  # shown although they may be left out


def example_of(registration: Registration) -> dict[str, Any]:
    """What is needed, and a little of what may be left out; without the id it is addressed to."""
    addressed = registration.targets[0].field
    fields = registration.command.model_fields.items()
    shown = ((name, field) for name, field in fields if field.is_required() or name in OPTIONAL)
    return {name: _value(name, field.annotation) for name, field in shown if name != addressed}


def _value(name: str, annotation: Any) -> Any:
    kind = plain_type(annotation)
    if get_origin(kind) is tuple:
        return [_value(name, get_args(kind)[0])]
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return next(iter(kind)).value
    if name in BY_NAME:
        return BY_NAME[name]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        needed = ((inner, field) for inner, field in kind.model_fields.items() if field.is_required())
        return {inner: _value(inner, field.annotation) for inner, field in needed}
    by_type: dict[Any, Any] = {UUID: AN_ID, date: "2026-12-31", datetime: "2026-12-31T12:00:00Z", bool: True, int: 1}
    by_type |= {AwareDatetime: by_type[datetime]}
    return by_type.get(kind, "text")
