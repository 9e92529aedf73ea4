"""The rules for attachments, and what can have them: declared here, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, assert_never

from domain.attachment.commands import (
    AddAttachment,
    AttachmentCommand,
    AttachToContract,
    AttachToCustomer,
    AttachToInteraction,
    AttachToOpportunity,
    AttachToOrder,
    AttachToTicket,
    RemoveAttachment,
)
from domain.attachment.facts import AttachmentAdded, AttachmentFact, AttachmentRemoved
from domain.contract.decider import contract
from domain.customer.decider import customer, require_active
from domain.decider import Decider, Registration, Target
from domain.details import fact_of
from domain.errors import ExistsError, UnknownError
from domain.interaction.decider import interaction
from domain.opportunity.decider import opportunity
from domain.order.decider import order
from domain.ticket.decider import ticket


@dataclass(frozen=True, slots=True)
class Attachment:
    """What the rules need to know of an attachment."""

    added: bool = False
    removed: bool = False


UNKNOWN = Attachment()


def decide(command: AttachmentCommand, attachment: Attachment) -> Sequence[AttachmentFact]:
    match command:
        case AddAttachment():
            if attachment.added:
                raise ExistsError(attachment=command.attachment_id)
            return [fact_of(AttachmentAdded, command, aggregate=command.AGGREGATE)]
        case RemoveAttachment():
            if not attachment.added:
                raise UnknownError(attachment=command.attachment_id)
            return [] if attachment.removed else [fact_of(AttachmentRemoved, command)]
        case _:
            assert_never(command)


def evolve(attachment: Attachment, fact: AttachmentFact) -> Attachment:
    match fact:
        case AttachmentAdded():
            return replace(attachment, added=True)
        case AttachmentRemoved():
            return replace(attachment, removed=True)
        case _:
            assert_never(fact)


def _guard_there(whose: Decider[Any, Any, Any], command: AddAttachment, state: Any) -> Sequence[AttachmentFact]:
    """A file can only be attached to what is there: writes nothing."""
    if whose is customer:
        require_active(command.attached_to, state)
    elif state == whose.initial:
        raise UnknownError(**{whose.name: command.attached_to})
    return []


def _there(whose: Decider[Any, Any, Any]) -> Decider[Any, Any, Any]:
    return Decider(whose.name, whose.initial, partial(_guard_there, whose), whose.evolve)


attachment = Decider("attachment", UNKNOWN, decide, evolve, subject="subject_id")

HAVING_FILES: Mapping[type[AddAttachment], Decider[Any, Any, Any]] = {
    AttachToCustomer: customer,
    AttachToInteraction: interaction,
    AttachToOpportunity: opportunity,
    AttachToContract: contract,
    AttachToOrder: order,
    AttachToTicket: ticket,
}
ATTACHING: Mapping[str, type[AddAttachment]] = {command.AGGREGATE: command for command in HAVING_FILES}

ADDRESSED = Target(attachment, "attachment_id")
REGISTRATIONS = (
    *(
        Registration(command, (ADDRESSED, Target(_there(whose), "attached_to")), offered=False)
        for command, whose in HAVING_FILES.items()
    ),
    Registration(RemoveAttachment, (ADDRESSED,)),
)
