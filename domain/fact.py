"""Facts: what happened, frozen and closed; named for ever by TYPE, whatever the Python class is called."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from domain.errors import UnknownFactError
from domain.moments import STORED

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
F = TypeVar("F", bound="Fact")


class Fact(BaseModel):
    """What happened, in business terms only: position, identity, actor and cause are the event's."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # a hundred classes, of which few are used

    TYPE: ClassVar[str]
    types: ClassVar[dict[str, type[Fact]]] = {}
    upcasters: ClassVar[dict[str, tuple[str, Upcaster]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "TYPE" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} declares no TYPE of its own")
        if Fact.types.setdefault(cls.TYPE, cls) is not cls:
            raise TypeError(f"{cls.TYPE} is taken")

    def encode(self) -> bytes:
        """The bytes that are stored, sent and hashed."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    @classmethod
    def revive(cls, data: bytes) -> Self:
        """From stored bytes; what a newer release added is ignored. ValidationError when they do not fit."""
        fact: Self = cls.__pydantic_validator__.validate_json(data, extra="ignore", context=STORED)
        return fact


def upcast(old: str, new: str) -> Callable[[Upcaster], Upcaster]:
    """Registers how the stored form of `old` becomes that of `new`; the ledger keeps the old bytes."""

    def register(function: Upcaster) -> Upcaster:
        if old in Fact.upcasters:
            raise TypeError(f"{old} has an upcaster already")
        Fact.upcasters[old] = (new, function)
        return function

    return register


def decode(type_: str, data: bytes) -> Fact:
    """The fact of stored bytes, in the newest version of its type; UnknownFactError when no code knows it."""
    if (known := Fact.types.get(type_)) is not None:
        return known.revive(data)
    if type_ not in Fact.upcasters:
        raise UnknownFactError(type=type_)
    content = json.loads(data)
    while step := Fact.upcasters.get(type_):
        type_, function = step
        content = function(content)
    return decode(type_, json.dumps(content).encode())
