"""The rules for attachments: they belong to what is there, are added once, and may be taken away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.attachment.commands import AttachToCustomer, AttachToInteraction, AttachToTicket, RemoveAttachment
from domain.attachment.decider import ATTACHING
from domain.attachment.facts import AttachmentAdded, AttachmentId, AttachmentRemoved
from domain.catalogue import REGISTRY
from domain.customer.facts import CustomerId, CustomerMerged, CustomerRegistered, Kind, PersonErased, PersonId, Stage
from domain.decider import Command
from domain.errors import ErasedError, ExistsError, MergedError, UnknownCommandError, UnknownError
from domain.interaction.facts import NoteKind, NoteTaken
from domain.ticket.facts import TicketOpened
from tests.given import given, seal

ID, THING, ANA = AttachmentId(UUID(int=1)), UUID(int=2), CustomerId(UUID(int=3))
MANIFEST = {"key": "k", "block_bytes": 1, "hashes": "h"}
FIELDS: dict[str, Any] = {
    "attachment_id": ID,
    "attached_to": THING,
    "subject_id": ANA,
    "name": "offer.pdf",
    "media_type": "application/pdf",
    "size": 9,
    "sha256": "0" * 64,
    "manifest": MANIFEST,
}
MADE: Any = seal(MANIFEST)  # as it comes from the vault; the fact has it opaque
ADD = AttachToTicket(**FIELDS)
ADDED = AttachmentAdded(
    aggregate="ticket",
    attached_to=THING,
    name=seal("offer.pdf"),
    media_type="application/pdf",
    size=9,
    sha256=seal("0" * 64),
    manifest=MADE,
)
REMOVE, REMOVED = RemoveAttachment(attachment_id=ID, reason="not theirs"), AttachmentRemoved(reason="not theirs")


def there(command: Command) -> Any:
    """What judges whether the thing is there that a file is attached to."""
    return REGISTRY.of(command).targets[1].decider


def test_a_file_is_added_once() -> None:
    given().when(ADD).then(ADDED)
    given(ADDED).when(ADD).then_refused(ExistsError)
    given(ADDED, REMOVED).when(ADD).then_refused(ExistsError)


def test_a_file_is_taken_away_once() -> None:
    given(ADDED).when(REMOVE).then(REMOVED)
    given(ADDED, REMOVED).when(REMOVE).then()
    given().when(REMOVE).then_refused(UnknownError)


def test_a_file_belongs_to_something_that_is_there() -> None:
    given(TicketOpened(), decider=there(ADD)).when(ADD).then()
    given(decider=there(ADD)).when(ADD).then_refused(UnknownError)


def test_a_note_alone_may_have_files() -> None:
    add = AttachToInteraction(**FIELDS)
    note = NoteTaken(kind=NoteKind.FACTUAL, content=seal("x"))
    given(note, decider=there(add)).when(add).then()
    given(decider=there(add)).when(add).then_refused(UnknownError)


def test_a_customer_who_was_merged_away_or_erased_gets_none() -> None:
    add, registered = AttachToCustomer(**FIELDS), CustomerRegistered(kind=Kind.PERSON, stage=Stage.CUSTOMER)
    given(registered, decider=there(add)).when(add).then()
    given(registered, CustomerMerged(into_id=ANA), decider=there(add)).when(add).then_refused(MergedError)
    erased = PersonErased(person_ids=(PersonId(THING),), everyone=True)
    given(registered, erased, decider=there(add)).when(add).then_refused(ErasedError)


@pytest.mark.parametrize("aggregate", ATTACHING)
def test_nobody_can_name_the_command_that_adds_a_file(aggregate: str) -> None:
    command = ATTACHING[aggregate]
    assert aggregate == command.AGGREGATE
    assert f"attachment.add_to_{aggregate}" == command.NAME
    assert command.NAME not in {registration.command.NAME for registration in REGISTRY}
    with pytest.raises(UnknownCommandError):
        REGISTRY.named(command.NAME)


def test_the_same_file_under_another_key_of_its_own_is_the_same_command() -> None:
    other = ADD.model_copy(update={"manifest": {"key": "another"}})
    assert other.model_dump_json() == ADD.model_dump_json()
    assert ADD.model_copy(update={"sha256": "1" * 64}).model_dump_json() != ADD.model_dump_json()
