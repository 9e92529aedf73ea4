"""A newer export that tells a row differently: the row's amendments are numbered, so that what was told last is known.

A row's command has one id for ever. When its content changes, an amendment gets the id of (row, amending command, n).
The newest one in the ledger is what was told last: the same content again is nothing new, even if somebody changed
the thing by hand since; another content is amendment n + 1. So A, B, A gives two amendments, and a repeat none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol
from uuid import UUID

from pydantic import ValidationError

from adapters.importers.items import Item
from domain.decider import Command
from domain.errors import ErasedError, ExistsError, InvalidError, RefusedError, RepeatedError
from domain.execute import Batch, Context, Outcome
from domain.ports import Found

Verdict = Outcome | RefusedError
Execute = Callable[[Batch], Sequence[Verdict]]
DeriveId = Callable[[str, str], UUID]


class CommandLookup(Protocol):
    """The part of the ledger that tells which commands it holds."""

    def find_commands(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Found]: ...


@dataclass
class Chain:
    """The amendments of one row by one command: `last` is the newest one's number, `differs` that it told otherwise."""

    item: Item
    command: Command
    context: Context
    namespace: str
    differs: bool
    last: int = 0
    verdict: Verdict | None = None

    def context_at(self, command_id: UUID) -> Context:
        """Of an amendment: another command than the row's."""
        return self.context._replace(command_id=command_id, fingerprint=None)


class Amender:
    """Settles items whose row, or whose thing, the ledger knows already."""

    def __init__(self, execute: Execute, ledger: CommandLookup, derive_id: DeriveId) -> None:
        self._execute, self._ledger, self._derive_id = execute, ledger, derive_id

    def settle(self, known: Iterable[tuple[Item, Verdict]]) -> dict[Item, Verdict]:
        """A verdict for each item that can be amended: without places when nothing is new."""
        chains = [chain for item, verdict in known for chain in _chains_of(item, verdict)]
        ready = [chain for chain in chains if chain.verdict is None]
        self._find_last(ready)
        self._compare([chain for chain in ready if chain.last])
        self._amend([chain for chain in ready if chain.differs])
        settled: dict[Item, Verdict] = {}
        for chain in chains:
            settled[chain.item] = _worse(
                settled.get(chain.item), chain.verdict or Outcome(chain.context.command_id, ())
            )
        return settled

    def _find_last(self, chains: Sequence[Chain]) -> None:
        while chains:
            ids = [self._id(chain, chain.last + 1) for chain in chains]
            found = self._ledger.find_commands(ids)
            chains = [chain for chain, command_id in zip(chains, ids, strict=True) if command_id in found]
            for chain in chains:
                chain.last += 1

    def _compare(self, chains: Sequence[Chain]) -> None:
        """The newest amendment again: the ledger says whether it told the same."""
        for chain, verdict in zip(chains, self._run(chains, ahead=0), strict=True):
            chain.differs = isinstance(verdict, RepeatedError)

    def _amend(self, chains: Sequence[Chain]) -> None:
        for chain, verdict in zip(chains, self._run(chains, ahead=1), strict=True):
            chain.verdict = verdict

    def _run(self, chains: Sequence[Chain], *, ahead: int) -> Sequence[Verdict]:
        return self._execute([(c.command, c.context_at(self._id(c, c.last + ahead))) for c in chains])

    def _id(self, chain: Chain, number: int) -> UUID:
        return self._derive_id(chain.namespace, f"{chain.item.identity}\0{number}")


def is_known(verdict: Verdict) -> bool:
    """Whether the ledger knew the row's command, or the thing it would begin."""
    return verdict.repeated if isinstance(verdict, Outcome) else isinstance(verdict, (RepeatedError, ExistsError))


def _chains_of(item: Item, verdict: Verdict) -> Iterable[Chain]:
    assert item.recipe is not None
    assert item.order is not None
    command, context = item.order
    for amend in item.recipe.amends:
        fields = {
            name: value for name in _shared(type(command), amend) if (value := getattr(command, name)) is not None
        }
        chain = Chain(
            item, command, context, f"{item.recipe.namespace}:{amend.NAME}", isinstance(verdict, RefusedError)
        )
        try:
            chain.command = amend.model_validate(fields)
        except ValidationError as error:
            chain.verdict = InvalidError(f"{amend.NAME}: {error.errors()[0]['msg']}")
        yield chain


@cache
def _shared(told: type[Command], amend: type[Command]) -> tuple[str, ...]:
    return tuple(name for name in amend.model_fields if name in told.model_fields)


def _worse(one: Verdict | None, other: Verdict) -> Verdict:
    """Of several commands for one row: a refusal, else all the places."""
    if one is None or isinstance(other, ErasedError):
        return other
    if isinstance(one, RefusedError) or isinstance(other, RefusedError):
        return one if isinstance(one, RefusedError) else other
    return Outcome(one.command_id, [*one.places, *other.places])
