"""Details: the fields that a thing is told with, and how a later telling differs from what is known."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TypeVar

from pydantic import BaseModel

from domain.decider import Command
from domain.fact import Fact

F = TypeVar("F", bound=Fact)

Details = tuple[tuple[str, object], ...]
NOTHING: Details = ()


@cache
def _shared(fact: type[Fact], command: type[Command]) -> tuple[str, ...]:
    return tuple(name for name in fact.model_fields if name in command.model_fields)


def _given(source: BaseModel, names: Iterable[str]) -> dict[str, object]:
    values = source.__dict__  # asking a model for a field that it lacks costs microseconds
    return {name: value for name in names if (value := values.get(name)) is not None}


def _make(fact: type[F], values: dict[str, object]) -> F:
    made: F = fact.__pydantic_validator__.validate_python(values)  # `model_validate` takes twice as long again
    return made


def fact_of(fact: type[F], command: Command, **more: object) -> F:
    """The fact with what the command gives under the same names, and `more`."""
    return _make(fact, _given(command, _shared(fact, type(command))) | more)


def changes(fact: type[F], command: Command, known: Details, **more: object) -> list[F]:
    """The fact with what the command gives differently than it is known; none when nothing differs."""
    before, given = dict(known), _given(command, _shared(fact, type(command)))
    told = {name: value for name, value in given.items() if before.get(name) != value}
    return [_make(fact, told | more)] if told else []


def learn(known: Details, fact: Fact, names: Iterable[str]) -> Details:
    """What is known after the fact, of the details named."""
    given = _given(fact, names)
    return tuple((dict(known) | given if known else given).items())
