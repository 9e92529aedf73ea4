"""Details: the fields that a thing is told with, and how a later telling differs from what is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel

from domain.decider import Command
from domain.fact import Fact

F = TypeVar("F", bound=Fact)

Details = tuple[tuple[str, object], ...]
NOTHING: Details = ()


def _given(source: BaseModel, names: Iterable[str]) -> dict[str, object]:
    values = source.__dict__  # asking a model for a field that it lacks costs microseconds
    return {name: value for name in names if (value := values.get(name)) is not None}


def fact_of(fact: type[F], command: Command, **more: object) -> F:
    """The fact with what the command gives under the same names, and `more`."""
    return fact.model_validate(_given(command, fact.model_fields) | more)


def changes(fact: type[F], command: Command, known: Details, **more: object) -> list[F]:
    """The fact with what the command gives differently than it is known; none when nothing differs."""
    before = dict(known)
    told = {name: value for name, value in _given(command, fact.model_fields).items() if before.get(name) != value}
    return [fact.model_validate(told | more)] if told else []


def learn(known: Details, fact: Fact, names: Iterable[str]) -> Details:
    """What is known after the fact, of the details named."""
    return tuple((dict(known) | _given(fact, names)).items())
