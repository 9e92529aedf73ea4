"""What is remembered of a company's own field."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NewType
from uuid import UUID

from domain.fact import Fact

FieldId = NewType("FieldId", UUID)


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CHOICE = "choice"


class FieldDefined(Fact):
    """`clear`: its values are kept readable; otherwise they are sealed for the customer."""

    TYPE = "crm.field.defined.v1"
    name: str
    entity: Literal["customer"]
    type: FieldType
    clear: bool = False
    choices: tuple[str, ...] = ()


class FieldAmended(Fact):
    """What changed; `choices` are all the choices there are now."""

    TYPE = "crm.field.amended.v1"
    name: str | None = None
    choices: tuple[str, ...] | None = None


class FieldRetired(Fact):
    """No new values; those given stay."""

    TYPE = "crm.field.retired.v1"


FieldFact = FieldDefined | FieldAmended | FieldRetired
