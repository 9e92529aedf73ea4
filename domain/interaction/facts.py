"""What is remembered of an interaction."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.fact import Fact
from domain.personal import Sealed

InteractionId = NewType("InteractionId", UUID)


class Channel(StrEnum):
    """The way by which the customer and the company met."""

    TELEPHONE = "telephone"
    EMAIL = "email"
    CHAT = "chat"
    SOCIAL = "social"
    WEBSITE = "website"
    INSTANT_MESSAGE = "instant_message"
    VISIT = "visit"
    LETTER = "letter"
    SURVEY = "survey"
    CHECKOUT = "checkout"
    OTHER = "other"


class Direction(StrEnum):
    """Seen from the company."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class NoteKind(StrEnum):
    """The four kinds of knowledge about a customer."""

    FACTUAL = "factual"
    CONCEPTUAL = "conceptual"
    PROCEDURAL = "procedural"
    EMOTIONAL = "emotional"


class InteractionLogged(Fact):
    """`about_id` is an opportunity, ticket, order or contract."""

    TYPE = "crm.interaction.logged.v1"
    channel: Channel
    direction: Direction
    content: Sealed | None = None
    topic: str | None = None
    employee_id: UUID | None = None
    duration_s: int | None = None
    about_id: UUID | None = None


class NoteTaken(Fact):
    TYPE = "crm.interaction.note_taken.v1"
    kind: NoteKind
    content: Sealed


class InteractionCorrected(Fact):
    """The fields that changed; one that is absent stays as it was."""

    TYPE = "crm.interaction.corrected.v1"
    content: Sealed | None = None
    topic: str | None = None
    employee_id: UUID | None = None


InteractionFact = InteractionLogged | NoteTaken | InteractionCorrected
