"""Whether a read model keeps to the rule that a row is owned by one subject: for the tests of read models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from domain.event import Event
from projections.engine.readmodel import Key, ReadModel


def shared_rows(model: ReadModel[Any], events: Iterable[Event]) -> Mapping[Key, frozenset[UUID]]:
    """The rows that more than one subject would write, which several workers cannot fold right; none if all is well."""
    owners: dict[Key, set[UUID]] = {}
    for event in events:
        if event.type in model.types:
            for key in model.keys(event):
                owners.setdefault(key, set()).add(event.subject_id)
    return {key: frozenset(subjects) for key, subjects in owners.items() if len(subjects) > 1}
