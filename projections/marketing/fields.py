"""The company's own fields: what they are called, of which kind they are, and which values they take."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.field.facts import FieldAmended, FieldDefined, FieldFact, FieldRetired
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun


class Field(NamedTuple):
    field_id: UUID
    name: str
    entity: str
    type: str
    clear: bool
    choices: tuple[str, ...]
    defined_at: datetime
    retired_at: datetime | None = None


def evolve(row: Field | None, event: Event) -> Field:
    fact = cast("FieldFact", event.fact)
    match fact:
        case FieldDefined():
            return Field(
                event.stream_id, fact.name, fact.entity, fact.type, fact.clear, fact.choices, event.occurred_at
            )
        case FieldAmended():
            return amend(begun(row, event), fact, FieldAmended.model_fields)
        case FieldRetired():
            return begun(row, event)._replace(retired_at=event.occurred_at)
        case _:
            assert_never(fact)


fields = ReadModel(name="fields", version=1, row=Field, key=1, facts=get_args(FieldFact), keys=by_stream, evolve=evolve)
