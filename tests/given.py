"""Given facts, when a command, then facts: how a rule is told in a test."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from domain.catalogue import REGISTRY
from domain.decider import Command, Decider
from domain.errors import RefusedError
from domain.fact import Fact, decode
from domain.personal import Sealed, secrets_of


def seal(value: object) -> Sealed:
    """A token as a vault would make it, the same each time; whose it is does not show."""
    return Sealed("s1." + base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("="))


def seal_command(command: Command) -> Command:
    """The command as it reaches the decision: what is personal is sealed."""
    secrets = secrets_of(command, UUID(int=0))
    return command.model_copy(update={name: seal(secret.value) for name, secret in secrets})


@dataclass(frozen=True)
class Given:
    """A stream's facts; the decider is by default that of the stream the command is addressed to."""

    facts: Sequence[Fact]
    decider: Decider[Any, Any, Any] | None

    def when(self, command: Command) -> Decision:
        return Decision(self.facts, command, self.decider or REGISTRY.of(command).targets[0].decider)


@dataclass(frozen=True)
class Decision:
    """A command over a stream's facts, before it is decided."""

    facts: Sequence[Fact]
    command: Command
    decider: Decider[Any, Any, Any]

    def then(self, *facts: Fact) -> None:
        """Exactly these facts; they belong to the stream, survive storage, and can be folded."""
        state = _fold(self.decider, self.decider.initial, self.facts)
        answered = self.decider.decide(seal_command(self.command), state)
        assert list(answered) == list(facts)
        assert all(decode(fact.TYPE, fact.encode()) == fact for fact in answered)
        _fold(self.decider, state, answered)

    def then_refused(self, error: type[RefusedError], match: str | None = None) -> None:
        state = _fold(self.decider, self.decider.initial, self.facts)
        with pytest.raises(error, match=match) as refusal:
            self.decider.decide(seal_command(self.command), state)
        assert type(refusal.value) is error


def _fold(decider: Decider[Any, Any, Any], state: Any, facts: Sequence[Fact]) -> Any:
    for fact in facts:
        assert decider.owns(fact.TYPE)
        state = decider.evolve(state, fact)
    return state


def given(*facts: Fact, decider: Decider[Any, Any, Any] | None = None) -> Given:
    return Given(facts, decider)
