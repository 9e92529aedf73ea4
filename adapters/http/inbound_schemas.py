"""What the API's document says of partners' events and their verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_type_hints

from pydantic import TypeAdapter

from adapters.http.schemas import OBJECT, REF, Schema, answer
from domain.errors import ConflictError, ErasedError, InvalidError, RefusedError, RemovedError, UnknownError
from streams.inbound.envelopes import envelope
from streams.inbound.errors import (
    EventDataError,
    EventFormError,
    EventTakenError,
    EventTooLargeError,
    NotAcceptedError,
    NotInForceError,
)
from streams.inbound.intake import Kind
from streams.inbound.kind import EventData
from streams.inbound.quarantine import Held
from streams.inbound.telling import TO_PARTNER
from streams.inbound.types import TYPES

ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
MOST = 100  # at once
SENDING = (
    "An event is a CloudEvent 1.0 whose `type` the agreement accepts, with JSON under `data`. Its `source` and `id`"
    " together make it happen once: sent again it is answered `repeated`, with another content it is refused."
    " What is refused is held for somebody to mend, under the id `held`; sent again with the same content, it is tried"
    f" again. Of many (`{MANY}`, {MOST} at most) each has a verdict in its place, with the status it would have alone."
)
VERDICT: Schema = {
    "type": "object",
    "required": ["id", "source", "verdict", "status"],
    "properties": {
        "id": {"type": ["string", "null"]},
        "source": {"type": ["string", "null"]},
        "verdict": {"enum": [kind.value for kind in Kind]},
        "status": {"type": "integer", "description": "201 accepted, 200 repeated; of a refusal, as a problem has it."},
        "token": {"type": "string", "description": "Of what was written; none where nothing had to change."},
        "held": {"type": ["string", "null"], "format": "uuid", "description": "Of a refusal: under this id."},
    },
}
REFUSALS: Mapping[int, Sequence[type[RefusedError]]] = {
    404: (UnknownError,),
    409: (NotAcceptedError, NotInForceError, EventTakenError, ConflictError),
    410: (ErasedError, RemovedError),
    422: (EventFormError, EventTooLargeError, EventDataError, InvalidError),
}
"""Of events; what a command's own rules say has names of its own beside these."""
VERDICTS: Schema = {"type": "object", "required": ["verdicts"], "properties": {
    "verdicts": {"type": "array", "items": VERDICT}}}  # fmt: skip
EVENT: Schema = envelope({"enum": sorted(TYPES)}, OBJECT) | {
    "oneOf": [
        {"properties": {"type": {"const": one.name}, "data": {"$ref": REF.format(model=one.data.__name__)}}}
        for one in TYPES.values()
    ],
}
DATA_MODELS: tuple[type[EventData], ...] = tuple(one.data for one in TYPES.values())
HELD: Schema = {
    "type": "object",
    "required": [*TO_PARTNER, "event"],
    "properties": {
        **{name: TypeAdapter(kind).json_schema() for name, kind in get_type_hints(Held).items() if name in TO_PARTNER},
        "event": {"type": ["object", "null"], "description": "Its `source` and `id`, as far as it had them."},
    },
}
HELD_ANSWER = answer(
    "Refused events, and the `next` to ask for those after them.",
    {"type": "object", "required": ["refused", "next"], "properties": {
        "refused": {"type": "array", "items": HELD}, "next": {"type": "integer"}}},
)  # fmt: skip
EVENTS_BODY: Schema = {
    "requestBody": {
        "required": True,
        "content": {
            ONE: {"schema": EVENT},
            MANY: {"schema": {"type": "array", "items": EVENT, "minItems": 1, "maxItems": MOST}},
        },
    }
}
