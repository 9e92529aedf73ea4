"""The rules for partners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.decider import Command, Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.partner.commands import AmendPartner, PartnerCommand, RegisterPartner, RemovePartner
from domain.partner.facts import PartnerAmended, PartnerFact, PartnerRegistered, PartnerRemoved


@dataclass(frozen=True, slots=True)
class Partner:
    """What the rules need to know of a partner."""

    registered: bool = False
    details: Details = NOTHING
    removed: bool = False


UNKNOWN = Partner()


def decide(command: PartnerCommand, partner: Partner) -> Sequence[PartnerFact]:
    if isinstance(command, RegisterPartner):
        if partner.registered:
            raise ExistsError(partner=command.partner_id)
        return [fact_of(PartnerRegistered, command)]
    if not partner.registered:
        raise UnknownError(partner=command.partner_id)
    match command:
        case AmendPartner():
            if partner.removed:
                raise ConflictError("the partner was removed")
            return changes(PartnerAmended, command, partner.details)
        case RemovePartner(reason=reason):
            return [] if partner.removed else [PartnerRemoved(reason=reason)]
        case _:
            assert_never(command)


def guard_active(command: Command, partner: Partner) -> Sequence[PartnerFact]:
    """For commands that name a partner, who must be one of ours: writes nothing."""
    if not partner.registered:
        raise UnknownError(partner=getattr(command, "partner_id"))  # noqa: B009 any command with a partner
    if partner.removed:
        raise ConflictError("the partner was removed")
    return []


def evolve(partner: Partner, fact: PartnerFact) -> Partner:
    match fact:
        case PartnerRegistered():
            return Partner(registered=True, details=learn(NOTHING, fact, PartnerAmended.model_fields))
        case PartnerAmended():
            return replace(partner, details=learn(partner.details, fact, PartnerAmended.model_fields))
        case PartnerRemoved():
            return replace(partner, removed=True)
        case _:
            assert_never(fact)


partner = Decider("partner", UNKNOWN, decide, evolve)
active = Decider("partner", UNKNOWN, guard_active, evolve)

ADDRESSED = (Target(partner, "partner_id"),)
REGISTRATIONS = (
    Registration(RegisterPartner, ADDRESSED, amended_by=AmendPartner),
    *(Registration(command, ADDRESSED) for command in (AmendPartner, RemovePartner)),
)
