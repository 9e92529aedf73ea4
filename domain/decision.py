"""What a command comes to over streams as they were read: pure, and the same for one command and for a batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.decider import Command, Decider, Target
from domain.errors import UnknownError, VersionError
from domain.event import Event, Origin
from domain.fact import Fact
from domain.personal import secrets_of
from domain.ports import NewFact, Write

AnyDecider = Decider[Any, Any, Any]


class Context(NamedTuple):
    """Who gives a command, when it was true, and the id that makes it happen once.

    `fresh` says that the id was made just now, so that no repeat can exist; `expected_version` is that of the
    stream the command is addressed to; `occurred_at` is aware and by default now. `fingerprint` is the command's,
    where it was computed already.
    """

    command_id: UUID
    actor: str
    origin: Origin = Origin.COMMAND
    occurred_at: datetime | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    expected_version: int | None = None
    fresh: bool = False
    timeout_s: float = 30.0
    fingerprint: bytes | None = None


class Stream(NamedTuple):
    """A stream as far as it was read; with facts but no decider it is of a kind that nobody asked for."""

    version: int = 0
    subject_id: UUID | None = None
    decider: AnyDecider | None = None
    state: Any = None


NEW = Stream()


class Intent(NamedTuple):
    """A command ready to be decided: streams named, personal values sealed.

    `bare` is the command as it was given, `sealed_for` the subject whose key its own personal values are under,
    `minors` the children whose values are under the key of their purpose, though the command does not say it.
    """

    command: Command
    context: Context
    fingerprint: bytes
    targets: Sequence[tuple[Target, UUID]]
    bare: Command
    sealed_for: UUID | None = None
    minors: Collection[UUID] = ()

    @property
    def address(self) -> UUID:
        return self.targets[0][1]

    @property
    def named_subject(self) -> UUID:
        """The subject the command itself names; that of a new stream."""
        target, stream_id = self.targets[0]
        return target.decider.subject_of(self.bare, stream_id)


def fingerprint_of(command: Command, content: bytes, keyed: Callable[[bytes], bytes]) -> bytes:
    """What a repeat is recognised by; `content` is `content_of` the command."""
    return keyed(command.NAME.encode() + content)


def content_of(command: Command) -> bytes:
    """As JSON, of which the same command can be made again."""
    return command.__pydantic_serializer__.to_json(command)


Decision = list[tuple[UUID, AnyDecider, Sequence[Fact]]]
Streams = Mapping[UUID, Stream]


def deciders_of(intents: Iterable[Intent]) -> dict[UUID, list[AnyDecider]]:
    """Which deciders want each stream: one, unless somebody takes a stream for another."""
    wanted: dict[UUID, list[AnyDecider]] = {}
    for intent in intents:
        for target, stream_id in intent.targets:
            wanted.setdefault(stream_id, []).append(target.decider)
    return wanted


def fold(events: Iterable[Event], wanted: Mapping[UUID, Sequence[AnyDecider]]) -> dict[UUID, Stream]:
    """The streams wanted, as their facts tell."""
    streams = dict.fromkeys(wanted, NEW)
    for event in events:
        version, _, decider, state = streams[event.stream_id]
        if not version:  # the first fact says what the stream is
            decider = next((d for d in wanted[event.stream_id] if d.owns(event.type)), None)
            state = decider and decider.initial
        if decider:
            state = decider.evolve(state, event.fact)
        streams[event.stream_id] = Stream(event.stream_version, event.subject_id, decider, state)
    return streams


def decide(intent: Intent, streams: Streams) -> Decision:
    """Raises RefusedError."""
    expected, addressed = intent.context.expected_version, streams[intent.address]
    if expected is not None and expected != addressed.version:
        raise VersionError(expected=expected, actual=addressed.version)
    states = [_state(target.decider, stream_id, streams[stream_id]) for target, stream_id in intent.targets]
    return [(stream_id, target.decider, target.decider.decide(intent.command, state))
            for (target, stream_id), state in zip(intent.targets, states, strict=True)]  # fmt: skip


def _state(decider: AnyDecider, stream_id: UUID, stream: Stream) -> Any:
    if not stream.version:
        return decider.initial
    if stream.decider is None or stream.decider.name != decider.name:
        raise UnknownError(**{decider.name: stream_id})
    return stream.state


def owner_of(intent: Intent, streams: Streams) -> UUID:
    """Whose the facts of the addressed stream are: a stream keeps the subject of its first fact."""
    return streams[intent.address].subject_id or intent.named_subject


def minors_of(intent: Intent, streams: Streams) -> Collection[UUID]:
    """Those of whom the command says something, and whom the addressed stream knows as children."""
    stream = streams[intent.address]
    if stream.decider is None or not (minors := stream.decider.minors(stream.state)):
        return ()
    named = (secret.person_id for _, secret in secrets_of(intent.bare, owner_of(intent, streams)))
    return tuple(person_id for person_id in named if person_id in minors)


def write_of(intent: Intent, decision: Decision, streams: Streams, clock: Callable[[], datetime]) -> Write:
    """Raises FactTooLargeError."""
    context = intent.context
    facts = [
        NewFact(stream_id, streams[stream_id].subject_id or decider.subject_of(intent.command, stream_id), fact)
        for stream_id, decider, answered in decision
        for fact in answered
    ]
    return Write(
        context.command_id,
        intent.fingerprint,
        context.correlation_id or context.command_id,
        context.causation_id or context.command_id,
        context.actor,
        context.origin,
        context.occurred_at or clock(),
        facts,
    )


def after(intent: Intent, decision: Decision, streams: Streams) -> dict[UUID, Stream]:
    """The decision's streams once it is written."""
    grown: dict[UUID, Stream] = {}
    for stream_id, decider, facts in decision:
        version, subject_id, known, state = stream = streams[stream_id]
        if not facts:
            grown[stream_id] = stream
            continue
        state = state if known else decider.initial
        for fact in facts:
            state = decider.evolve(state, fact)
        subject_id = subject_id or decider.subject_of(intent.command, stream_id)
        grown[stream_id] = Stream(version + len(facts), subject_id, known or decider, state)
    return grown
