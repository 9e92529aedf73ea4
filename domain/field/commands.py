"""What can be ordered about a company's own field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.decider import Command
from domain.field.facts import FieldId, FieldType
from domain.text import Label

Choices = Annotated[tuple[Label, ...], Field(max_length=1_000)]


class ForField(Command):
    field_id: FieldId


class DefineField(ForField):
    """Gives customers a field of the company's own; its values are sealed unless it is defined as `clear`."""

    NAME = "field.define"
    name: Label
    entity: Literal["customer"] = "customer"
    type: FieldType = FieldType.TEXT
    clear: bool = False
    choices: Choices = ()


class AmendField(ForField):
    """Changes the name or the choices; values given before stay as they are."""

    NAME = "field.amend"
    name: Label | None = None
    choices: Choices | None = None


class RetireField(ForField):
    """The field takes no new values."""

    NAME = "field.retire"


FieldCommand = DefineField | AmendField | RetireField
