"""Personal data: which fields hold it, whose it is, for which purpose, and the sealed form that alone is kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, overload
from uuid import UUID

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

TOKEN_PATTERN = r"^[sc]1\.[A-Za-z0-9_-]+$"  # noqa: S105 the shape of a sealed value, no secret


class Purpose(StrEnum):
    """What a person's data are kept for; each has a key of its own, so that one can expire before another."""

    SERVICE = "service"
    MARKETING = "marketing"
    BILLING = "billing"
    EMPLOYMENT = "employment"
    MINORS = "minors"


KeyId = bytes
"""Which of a person's keys a value is sealed under: sixteen bytes, for there are many of them on a page."""


class Sealed(str):
    """A personal value under its person's key: `s1.` and the sealed bytes, or `c1.` and the content's address.

    Opaque: equal values of one person and purpose seal equal, so it may be copied and compared, never read.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # from Python only a value that was sealed is taken: clear text cannot get into a fact by mistake
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(
                cls, core_schema.str_schema(pattern=TOKEN_PATTERN)
            ),
            python_schema=core_schema.is_instance_schema(cls),
        )

    def __repr__(self) -> str:
        return "Sealed(…)"


class Erased:
    """What a sealed value opens to once its key is destroyed."""

    def __repr__(self) -> str:
        return "ERASED"


ERASED = Erased()


@dataclass(frozen=True, slots=True)
class Personal:
    """Marks a command's field as personal: `Annotated[str, Personal(...)]`.

    `person` names the command's field that holds the person's id; without it, or when empty, it is the subject's.
    `minor` names the one that says whether the person is a child, whose data have a purpose of their own.
    """

    purpose: Purpose = Purpose.SERVICE
    person: str | None = None
    minor: str | None = None


class Secret(NamedTuple):
    """A clear value on its way to be sealed."""

    person_id: UUID
    purpose: Purpose
    value: Any


@cache
def personal_fields(model: type[BaseModel]) -> Mapping[str, Personal]:
    """The personal fields of a command class, by name."""
    marks = ((name, mark) for name, field in model.model_fields.items() for mark in field.metadata)
    return {name: mark for name, mark in marks if isinstance(mark, Personal)}


def secrets_of(model: BaseModel, subject_id: UUID, minors: Collection[UUID] = ()) -> list[tuple[str, Secret]]:
    """The personal values of a command that are present, each with its field's name; `minors` are known as such."""
    values = model.__dict__
    return [
        (name, _secret(mark, values, subject_id, minors, value))
        for name, mark in personal_fields(type(model)).items()
        if (value := values[name]) is not None and not isinstance(value, Sealed)
    ]


def _secret(
    mark: Personal, values: Mapping[str, Any], subject_id: UUID, minors: Collection[UUID], value: object
) -> Secret:
    person_id = (values[mark.person] if mark.person else None) or subject_id
    is_minors = person_id in minors or (mark.minor and values[mark.minor])
    return Secret(person_id, Purpose.MINORS if is_minors else mark.purpose, value)


@overload
def sealed(value: None) -> None: ...
@overload
def sealed(value: object) -> Sealed: ...
def sealed(value: object) -> Sealed | None:
    """A command's personal field as its fact takes it: sealed by the time the command is decided."""
    if value is None or isinstance(value, Sealed):
        return value
    raise TypeError("a personal value reached the decision in clear")
