"""What the API's document says of partners' events and their verdicts."""

from __future__ import annotations

from adapters.http.schemas import OBJECT, REF, Schema, answer
from streams.inbound.intake import Kind
from streams.inbound.kind import EventData
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
VERDICTS: Schema = {"type": "object", "required": ["verdicts"], "properties": {
    "verdicts": {"type": "array", "items": VERDICT}}}  # fmt: skip
EVENT: Schema = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string", "format": "uri-reference"},
        "type": {"enum": sorted(TYPES)},
        "time": {"type": "string", "format": "date-time", "description": "When it was true; now unless given."},
        "data": OBJECT,
    },
    "oneOf": [
        {"properties": {"type": {"const": one.name}, "data": {"$ref": REF.format(model=one.data.__name__)}}}
        for one in TYPES.values()
    ],
}
DATA_MODELS: tuple[type[EventData], ...] = tuple(one.data for one in TYPES.values())
HELD_ANSWER = answer(
    "Refused events, and the `next` to ask for those after them.",
    {"type": "object", "required": ["refused", "next"], "properties": {
        "refused": {"type": "array", "items": OBJECT}, "next": {"type": "integer"}}},
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
