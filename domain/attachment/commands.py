"""What can be ordered about an attachment. Who adds one has stored its bytes before: no caller writes these by hand."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from domain.attachment.facts import AttachmentId
from domain.decider import Command
from domain.personal import Personal
from domain.text import FileName, Label


class ForAttachment(Command):
    attachment_id: AttachmentId


class AddAttachment(ForAttachment):
    """Keeps a file with what it belongs to; `subject_id` is whose that is."""

    AGGREGATE: ClassVar[str]
    attached_to: UUID
    subject_id: UUID
    name: Annotated[FileName, Personal()]
    media_type: Label
    size: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Personal(), Field(pattern=r"^[0-9a-f]{64}$")]
    # a repeat brings the same file under another key of its own: it is the same command all the same
    manifest: Annotated[dict[str, Any], Personal(), Field(exclude=True)]


class AttachToCustomer(AddAttachment):
    """Keeps a file with a customer."""

    NAME = "attachment.add_to_customer"
    AGGREGATE = "customer"


class AttachToInteraction(AddAttachment):
    """Keeps a file with an interaction."""

    NAME = "attachment.add_to_interaction"
    AGGREGATE = "interaction"


class AttachToOpportunity(AddAttachment):
    """Keeps a file with an opportunity: a proposal, a drawing."""

    NAME = "attachment.add_to_opportunity"
    AGGREGATE = "opportunity"


class AttachToContract(AddAttachment):
    """Keeps a file with a contract."""

    NAME = "attachment.add_to_contract"
    AGGREGATE = "contract"


class AttachToOrder(AddAttachment):
    """Keeps a file with an order."""

    NAME = "attachment.add_to_order"
    AGGREGATE = "order"


class AttachToTicket(AddAttachment):
    """Keeps a file with a ticket."""

    NAME = "attachment.add_to_ticket"
    AGGREGATE = "ticket"


class RemoveAttachment(ForAttachment):
    """Takes a file away from what it is attached to; nobody can read it there any more."""

    NAME = "attachment.remove"
    reason: Label | None = None


AttachmentCommand = AddAttachment | RemoveAttachment
