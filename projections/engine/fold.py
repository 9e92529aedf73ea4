"""The fold of a batch in memory: pure, for one table at a time."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from domain.errors import UnknownFactError
from domain.event import Event
from projections.engine.readmodel import Build, Key, ReadModel, Rows

WAITS = "waits for an earlier one"
_LONGEST = 500


# An event with the keys of the rows it touches, or why it cannot be folded.
Step = tuple[Event, tuple[Key, ...], str | None]


class Parked(NamedTuple):
    """A pointer to an event that one build could not fold, or that comes after such a one of its subject."""

    table: str
    partition: int
    partition_seq: int
    subject_id: UUID
    type: str
    cause: str
    is_unknown: bool


class Folded(NamedTuple):
    """The rows as they were and as they are, and what could not be folded."""

    before: Mapping[Key, Any]
    after: Rows
    parked: Sequence[Parked]

    @property
    def changed(self) -> Rows:
        both = zip(self.before.values(), self.after.items(), strict=True)  # the same keys in the same order
        return {key: new for old, (key, new) in both if new is not old}


def plan(model: ReadModel[Any], events: Iterable[Event], refused: str | None = None) -> list[Step]:
    """The keys of each event; `refused` is why the database did not take the only one there is."""
    keys_of, types = model.keys, model.types
    steps: list[Step] = []
    for event in events:
        try:
            event.fact  # noqa: B018 decoded here, so that no read model meets a fact it cannot read
            steps.append((event, tuple(keys_of(event)) if event.type in types else (), refused))
        except Exception as error:  # noqa: BLE001 it is parked with its cause
            steps.append((event, (), describe(error)))
    return steps


def fold(build: Build, steps: Iterable[Step], rows: Mapping[Key, Any], stuck: AbstractSet[UUID]) -> Folded:
    """Folds in order. A subject that has something parked, or gets something parked here, is parked from there on."""
    evolve, after, held = build.model.evolve, dict(rows), set(stuck)
    parked: list[Parked] = []
    for event, keys, known in steps:
        cause = known
        if event.subject_id in held:
            cause = WAITS
        elif cause is None:
            try:
                if len(keys) == 1:
                    after[keys[0]] = evolve(after[keys[0]], event)
                else:  # all of its rows or none
                    after.update({key: evolve(after[key], event) for key in keys})
                continue
            except Exception as error:  # noqa: BLE001 it is parked with its cause
                cause = describe(error)
        held.add(event.subject_id)
        parked.append(park(build, event, cause))
    return Folded(rows, after, parked)


def park(build: Build, event: Event, cause: str) -> Parked:
    is_unknown = cause.startswith(UnknownFactError.__name__)
    return Parked(build.table, event.partition, event.partition_seq, event.subject_id, event.type, cause, is_unknown)


def describe(error: BaseException) -> str:
    """What went wrong and where, without the values at hand."""
    text = str(error)
    if isinstance(error, ValidationError):
        text = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
    frame = next(reversed(traceback.extract_tb(error.__traceback__)), None)
    place = f" ({Path(frame.filename).name}:{frame.lineno})" if frame else ""
    return f"{type(error).__name__}: {text[:_LONGEST]}{place}"
