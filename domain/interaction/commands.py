"""What can be ordered about an interaction."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.interaction.facts import Channel, Direction, InteractionId, NoteKind
from domain.personal import Personal
from domain.text import Content, Label


class ForInteraction(Command):
    interaction_id: InteractionId


class InteractionDetails(ForInteraction):
    """The fields that logging and correcting share."""

    content: Annotated[Content | None, Personal()] = None
    topic: Label | None = None
    employee_id: UUID | None = None


class LogInteraction(InteractionDetails):
    """Keeps what was said with a customer; `about_id` is an opportunity, a ticket, an order or a contract."""

    NAME = "interaction.log"
    customer_id: CustomerId
    channel: Channel
    direction: Direction
    duration_s: Annotated[int, Field(ge=0)] | None = None
    about_id: UUID | None = None


class TakeNote(ForInteraction):
    """Keeps what was learnt about a customer, in an interaction or on its own."""

    NAME = "interaction.take_note"
    customer_id: CustomerId
    kind: NoteKind
    content: Annotated[Content, Personal()]


class CorrectInteraction(InteractionDetails):
    """Changes the fields that are given; what was there before stays in the history."""

    NAME = "interaction.correct"


InteractionCommand = LogInteraction | TakeNote | CorrectInteraction
