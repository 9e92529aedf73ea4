"""Deciders and the registry: which command is decided by whom, over which streams."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.errors import UnknownCommandError
from domain.fact import Fact

C = TypeVar("C", bound="Command")
S = TypeVar("S")
F = TypeVar("F", bound=Fact)


class Command(BaseModel):
    """An order. NAME is `aggregate.verb`; personal fields are marked, and sealed before it is decided."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)

    NAME: ClassVar[str]


@dataclass(frozen=True)
class Decider(Generic[C, S, F]):
    """Three pure things. `decide` answers facts or raises RefusedError; `evolve` never judges.

    `subject` names the command's field that gives a new stream its subject; without it, or when it is empty,
    the stream is its own subject. `minors` tells the children whom a state knows: what else is said of them is sealed
    for their purpose.
    """

    name: str
    initial: S
    decide: Callable[[C, S], Sequence[F]]
    evolve: Callable[[S, F], S]
    subject: str | None = None
    minors: Callable[[S], Collection[UUID]] = lambda _: ()

    def subject_of(self, command: Command, stream_id: UUID) -> UUID:
        # not getattr: asking a model for a field that it lacks costs microseconds
        found: UUID | None = command.__dict__.get(self.subject) if self.subject else None
        return found or stream_id

    def owns(self, fact_type: str) -> bool:
        return fact_type.startswith(f"crm.{self.name}.")


@dataclass(frozen=True)
class Target:
    """A stream that a command concerns, named by the command's `field`.

    Written if its decider answers facts, else relied on at its version. A target whose field is empty is left out.
    """

    decider: Decider[Any, Any, Any]
    field: str


@dataclass(frozen=True)
class Registration:
    """A command and its targets, the stream it is addressed to first.

    `amended_by` takes the same fields when a newer export tells the same thing differently. One that is not `offered`
    is given by our own code alone, which did before what the command relies on: nobody else can name it.
    """

    command: type[Command]
    targets: tuple[Target, ...]
    amended_by: type[Command] | None = None
    offered: bool = True


class Registry:
    """Every command, by class, and by name those that are offered: routes, command line, documentation come of them."""

    def __init__(self, registrations: Iterable[Registration]) -> None:
        self._by_name: dict[str, Registration] = {}
        self._by_class: dict[type[Command], Registration] = {}
        for registration in registrations:
            if registration.command.NAME in self._by_name:
                raise TypeError(f"{registration.command.NAME} is taken")
            if registration.offered:
                self._by_name[registration.command.NAME] = registration
            self._by_class[registration.command] = registration

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Registration:
        if name not in self._by_name:
            raise UnknownCommandError(command=name)
        return self._by_name[name]

    def of(self, command: Command) -> Registration:
        return self._by_class[type(command)]
