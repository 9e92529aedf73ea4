"""What can be ordered about a partner."""

from __future__ import annotations

from domain.decider import Command
from domain.partner.facts import PartnerId, PartnerKind
from domain.text import Label


class ForPartner(Command):
    partner_id: PartnerId


class RegisterPartner(ForPartner):
    """A company that supplies us or distributes for us."""

    NAME = "partner.register"
    name: Label
    kind: PartnerKind
    country: Label | None = None


class AmendPartner(ForPartner):
    """Changes the fields that are given."""

    NAME = "partner.amend"
    name: Label | None = None
    kind: PartnerKind | None = None
    country: Label | None = None


class RemovePartner(ForPartner):
    """The company is our partner no more."""

    NAME = "partner.remove"
    reason: Label | None = None


PartnerCommand = RegisterPartner | AmendPartner | RemovePartner
