"""The rules for interactions."""

from __future__ import annotations

from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.customer.facts import CustomerId
from domain.errors import ExistsError, UnknownError
from domain.interaction.commands import CorrectInteraction, LogInteraction, TakeNote
from domain.interaction.facts import (
    Channel,
    Direction,
    InteractionCorrected,
    InteractionId,
    InteractionLogged,
    NoteKind,
    NoteTaken,
)
from tests.given import given, seal

CALL, ANA, SELLER = InteractionId(UUID(int=1)), CustomerId(UUID(int=2)), UUID(int=3)
LOG = LogInteraction(
    interaction_id=CALL,
    customer_id=ANA,
    channel=Channel.TELEPHONE,
    direction=Direction.INBOUND,
    content="asks for the parcel",
    topic="delivery",
    duration_s=90,
)
LOGGED = InteractionLogged(
    channel=Channel.TELEPHONE,
    direction=Direction.INBOUND,
    content=seal("asks for the parcel"),
    topic="delivery",
    duration_s=90,
)
NOTE = TakeNote(interaction_id=CALL, customer_id=ANA, kind=NoteKind.EMOTIONAL, content="was upset")
NOTED = NoteTaken(kind=NoteKind.EMOTIONAL, content=seal("was upset"))


def test_what_was_said_is_logged_sealed_with_its_topic_readable() -> None:
    given().when(LOG).then(LOGGED)


def test_an_interaction_is_logged_once() -> None:
    given(LOGGED).when(LOG).then_refused(ExistsError)


def test_a_note_is_taken_in_an_interaction_or_on_its_own() -> None:
    given(LOGGED).when(NOTE).then(NOTED)
    given().when(NOTE).then(NOTED)


def test_an_interaction_may_be_logged_after_the_note_that_was_taken_in_it() -> None:
    given(NOTED).when(LOG).then(LOGGED)


def test_a_correction_keeps_only_what_differs() -> None:
    correct = CorrectInteraction(interaction_id=CALL, topic="returns", content="asks for the parcel")
    given(LOGGED).when(correct).then(InteractionCorrected(topic="returns"))
    given(LOGGED, InteractionCorrected(topic="returns")).when(correct).then()


def test_only_what_was_logged_is_corrected() -> None:
    correct = CorrectInteraction(interaction_id=CALL, employee_id=SELLER)
    given().when(correct).then_refused(UnknownError)
    given(NOTED).when(correct).then_refused(UnknownError)


def test_a_call_does_not_last_less_than_nothing() -> None:
    with pytest.raises(ValidationError):
        LogInteraction.model_validate(dict(LOG) | {"duration_s": -1})
