"""The rules for interactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.customer.decider import present
from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ExistsError, UnknownError
from domain.interaction.commands import CorrectInteraction, InteractionCommand, LogInteraction, TakeNote
from domain.interaction.facts import InteractionCorrected, InteractionFact, InteractionLogged, NoteTaken

DETAILS = InteractionCorrected.model_fields.keys()


@dataclass(frozen=True, slots=True)
class Interaction:
    """What the rules need to know of an interaction."""

    logged: bool = False
    noted: bool = False
    details: Details = NOTHING


UNKNOWN = Interaction()


def decide(command: InteractionCommand, interaction: Interaction) -> Sequence[InteractionFact]:
    match command:
        case LogInteraction():
            if interaction.logged:
                raise ExistsError(interaction=command.interaction_id)
            return [fact_of(InteractionLogged, command)]
        case TakeNote():
            return [fact_of(NoteTaken, command)]
        case CorrectInteraction():
            if not interaction.logged:
                raise UnknownError(interaction=command.interaction_id)
            return changes(InteractionCorrected, command, interaction.details)
        case _:
            assert_never(command)


def evolve(interaction: Interaction, fact: InteractionFact) -> Interaction:
    match fact:
        case InteractionLogged() | InteractionCorrected():
            return replace(interaction, logged=True, details=learn(interaction.details, fact, DETAILS))
        case NoteTaken():
            return replace(interaction, noted=True)
        case _:
            assert_never(fact)


interaction = Decider("interaction", UNKNOWN, decide, evolve, subject="customer_id")

REGISTRATIONS = (
    Registration(
        LogInteraction,
        (Target(interaction, "interaction_id"), Target(present, "customer_id")),
        amended_by=CorrectInteraction,
    ),
    Registration(TakeNote, (Target(interaction, "interaction_id"), Target(present, "customer_id"))),
    Registration(CorrectInteraction, (Target(interaction, "interaction_id"),)),
)
