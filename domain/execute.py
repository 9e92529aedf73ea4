"""One generic way from a command to its facts: load, decide, append."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from domain.cache import Cache
from domain.decider import Command, Decider, Registration, Registry, Target
from domain.errors import (
    ErasedError,
    OutcomeUnknownError,
    RefusedError,
    RepeatedError,
    TooFarAheadError,
    UnknownError,
    VersionError,
)
from domain.event import Event, Origin
from domain.fact import Fact
from domain.personal import secrets_of
from domain.ports import Append, Found, KnownError, Ledger, NewFact, Place, StaleError, Vault, Write

AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Context:
    """Who gives a command, when it was true, and the id that makes it happen once.

    `fresh` says that the id was made just now, so that no repeat can exist; `expected_version` is that of the
    stream the command is addressed to; `occurred_at` is aware and by default now.
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a command's facts are; none when nothing had to change. `version` is the addressed stream's."""

    command_id: UUID
    places: Sequence[Place]
    version: int | None = None
    repeated: bool = False

    @property
    def token(self) -> str:
        """Opaque: a read that brings it waits until what was written here is folded."""
        last = {place.partition: place.partition_seq for place in self.places}
        return ",".join(f"{partition}.{seq}" for partition, seq in last.items())


class Stream(NamedTuple):
    """A stream as far as it was read."""

    version: int
    subject_id: UUID | None
    state: Any


class Intent(NamedTuple):
    """A command ready to be decided: personal values sealed, streams named."""

    command: Command
    context: Context
    fingerprint: bytes
    targets: Sequence[tuple[Target, UUID]]


Batch = Sequence[tuple[Command, Context]]
Decision = list[tuple[UUID, Decider[Any, Any, Any], Sequence[Fact]]]


class Executor:
    """Executes commands over a ledger and a vault. Safe from many threads."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        registry: Registry,
        *,
        clock: Callable[[], datetime],
        cache_size: int = 20_000,
    ) -> None:
        self._ledger, self._vault, self.registry, self._clock = ledger, vault, registry, clock
        self._streams: Cache[UUID, Stream] = Cache(cache_size)

    def execute(self, command: Command, context: Context) -> Outcome:
        """Raises RefusedError when it may not be, UnavailableError when a part is away or the deadline has passed."""
        fingerprint = self._fingerprint(command)
        deadline = self._clock() + timedelta(seconds=context.timeout_s)
        try:
            outcome = self._attempt(self._prepare(command, context, fingerprint), deadline)
        except RefusedError:
            if (earlier := self._earlier(context, fingerprint)) is None:
                raise
            return earlier
        if outcome.places:
            return outcome
        return self._earlier(context, fingerprint) or outcome

    def execute_all(self, batch: Batch) -> Sequence[Outcome | RefusedError]:
        """Decides one after the other and appends all that is accepted at once; a verdict for each.

        Later commands see what earlier ones did. For imports: nothing is cached, the ids are looked up first.
        """
        prints = [self._fingerprint(command) for command, _ in batch]
        verdicts: dict[int, Outcome | RefusedError] = {}
        found = dict(self._ledger.find_commands([context.command_id for _, context in batch]))
        for n, (_, context) in enumerate(batch):
            if earlier := found.get(context.command_id):
                verdicts[n] = _repeat(context.command_id, earlier, prints[n])
            else:  # the same id may come twice in one batch
                found[context.command_id] = Found(prints[n], ())
        intents = self._prepare_all(batch, prints, verdicts)
        for _ in range(100):
            try:
                verdicts |= self._append_all(intents)
            except (StaleError, KnownError):
                continue
            return [verdicts[n] for n in range(len(batch))]
        raise OutcomeUnknownError(commands=len(batch))

    def _fingerprint(self, command: Command) -> bytes:
        return self._vault.fingerprint(command.NAME.encode() + command.__pydantic_serializer__.to_json(command))

    def _prepare(self, command: Command, context: Context, fingerprint: bytes) -> Intent:
        self._check_time(context)
        targets = _targets(self.registry.of(command), command)
        if secrets := list(secrets_of(command, self._subjects([(command, targets)])[0])):
            values = self._vault.seal([secret for _, secret in secrets])
            command = _with_sealed(command, [name for name, _ in secrets], values)
        return Intent(command, context, fingerprint, targets)

    def _prepare_all(
        self,
        batch: Sequence[tuple[Command, Context]],
        prints: Sequence[bytes],
        verdicts: dict[int, Outcome | RefusedError],
    ) -> dict[int, Intent]:
        todo = {n: (command, context, _targets(self.registry.of(command), command))
                for n, (command, context) in enumerate(batch) if n not in verdicts}  # fmt: skip
        subjects = self._subjects([(command, targets) for command, _, targets in todo.values()])
        secrets = [(n, name, secret) for (n, (command, *_)), subject_id in zip(todo.items(), subjects, strict=True)
                   for name, secret in secrets_of(command, subject_id)]  # fmt: skip
        values: dict[int, list[Any]] = {}
        names: dict[int, list[str]] = {}
        for (n, name, _), value in zip(secrets, self._vault.seal([s for _, _, s in secrets]), strict=True):
            names.setdefault(n, []).append(name)
            values.setdefault(n, []).append(value)
        intents: dict[int, Intent] = {}
        for n, (command, context, targets) in todo.items():
            try:
                self._check_time(context)
                ready = _with_sealed(command, names[n], values[n]) if n in names else command
                intents[n] = Intent(ready, context, prints[n], targets)
            except RefusedError as error:
                verdicts[n] = error
        return intents

    def _subjects(self, commands: Sequence[tuple[Command, Sequence[tuple[Target, UUID]]]]) -> Sequence[UUID]:
        """Whose data each command brings: of the subject it names, else of its stream's, in the ledger or before it."""
        streams = {
            targets[0][1]: targets[0][0].decider for command, targets in commands if _is_silent(command, targets)
        }
        known, missing = self._streams.find(streams)
        read = self._read({stream_id: streams[stream_id] for stream_id in missing}) if missing else {}
        whose = {stream_id: stream.subject_id for stream_id, stream in (known | read).items() if stream.subject_id}
        subjects: list[UUID] = []
        for command, targets in commands:
            named, stream_id = _subject(command, targets), targets[0][1]
            if named != stream_id:
                whose.setdefault(stream_id, named)
            subjects.append(whose.get(stream_id, named) if named == stream_id else named)
        return subjects

    def _attempt(self, intent: Intent, deadline: datetime) -> Outcome:
        cached = True
        while True:
            streams, cached = self._load(intent, use_cache=cached)
            try:
                decision = _decide(intent, streams)
            except RefusedError:
                if cached:  # never refused on what is only remembered
                    cached = False
                    continue
                raise
            if not any(facts for _, _, facts in decision):
                if cached:
                    cached = False
                    continue
                return Outcome(intent.context.command_id, (), streams[intent.targets[0][1]].version)
            try:
                return self._append(intent, decision, streams)
            except StaleError:
                cached = False
                if self._clock() > deadline:
                    raise OutcomeUnknownError(command_id=intent.context.command_id) from None
            except KnownError:
                self._streams.forget(stream_id for _, stream_id in intent.targets)
                found = self._ledger.find_commands([intent.context.command_id])[intent.context.command_id]
                return _raise_or(_repeat(intent.context.command_id, found, intent.fingerprint))

    def _append(self, intent: Intent, decision: Decision, streams: Mapping[UUID, Stream]) -> Outcome:
        write = _write(intent, decision, streams, self._clock)
        written = {stream_id for stream_id, _, facts in decision if facts}
        expected = {stream_id: streams[stream_id].version for stream_id in written}
        guards = {stream_id: streams[stream_id].version for stream_id, _, facts in decision if stream_id not in written}
        places = self._ledger.append(Append((write,), expected, guards), timeout_s=intent.context.timeout_s)
        after = _after(intent, decision, streams)
        self._streams.keep(after)
        return Outcome(intent.context.command_id, places, after[intent.targets[0][1]].version)

    def _append_all(self, intents: Mapping[int, Intent]) -> dict[int, Outcome | RefusedError]:
        wanted = {stream_id: target.decider for intent in intents.values() for target, stream_id in intent.targets}
        first = self._read(wanted)
        streams, verdicts = dict(first), dict[int, Outcome | RefusedError]()
        writes: dict[int, Write] = {}
        for n, intent in intents.items():
            try:
                decision = _decide(intent, streams)
            except RefusedError as error:
                verdicts[n] = error
                continue
            if any(facts for _, _, facts in decision):
                writes[n] = _write(intent, decision, streams, self._clock)
                streams |= _after(intent, decision, streams)
            verdicts[n] = Outcome(intent.context.command_id, (), streams[intent.targets[0][1]].version)
        if writes:
            written = {fact.stream_id for write in writes.values() for fact in write.facts}
            guards = {stream_id: stream.version for stream_id, stream in first.items() if stream_id not in written}
            append = Append(
                list(writes.values()), {stream_id: first[stream_id].version for stream_id in written}, guards
            )
            places = iter(self._ledger.append(append))
            for n, write in writes.items():
                verdicts[n] = Outcome(write.command_id, [next(places) for _ in write.facts])
        return verdicts

    def _load(self, intent: Intent, *, use_cache: bool) -> tuple[dict[UUID, Stream], bool]:
        """The streams of a command; True when some are remembered, not read."""
        deciders = {stream_id: target.decider for target, stream_id in intent.targets}
        known, missing = self._streams.find(deciders) if use_cache else ({}, list(deciders))
        if missing:
            read = self._read({stream_id: deciders[stream_id] for stream_id in missing})
            self._streams.keep({stream_id: stream for stream_id, stream in read.items() if stream.version})
            return known | read, bool(known)
        return known, True

    def _read(self, deciders: Mapping[UUID, Decider[Any, Any, Any]]) -> dict[UUID, Stream]:
        streams = {stream_id: Stream(0, None, decider.initial) for stream_id, decider in deciders.items()}
        for event in self._ledger.load(list(deciders)):
            decider, stream = deciders[event.stream_id], streams[event.stream_id]
            streams[event.stream_id] = Stream(
                event.stream_version, event.subject_id, _evolve(decider, stream.state, event)
            )
        return streams

    def _earlier(self, context: Context, fingerprint: bytes) -> Outcome | None:
        """The first outcome of a command that is repeated: before an error or an empty answer, its id is looked up."""
        if context.fresh or not (found := self._ledger.find_commands([context.command_id])):
            return None
        return _raise_or(_repeat(context.command_id, found[context.command_id], fingerprint))

    def _check_time(self, context: Context) -> None:
        if context.occurred_at is not None and context.occurred_at > self._clock() + AHEAD:
            raise TooFarAheadError(occurred_at=context.occurred_at.isoformat())


def _targets(registration: Registration, command: Command) -> list[tuple[Target, UUID]]:
    return [(t, stream_id) for t in registration.targets if (stream_id := getattr(command, t.field)) is not None]


def _subject(command: Command, targets: Sequence[tuple[Target, UUID]]) -> UUID:
    target, stream_id = targets[0]
    return target.decider.subject_of(command, stream_id)


def _is_silent(command: Command, targets: Sequence[tuple[Target, UUID]]) -> bool:
    """Brings personal data, and does not say whose: only the stream can tell."""
    target, stream_id = targets[0]
    subject_id = target.decider.subject_of(command, stream_id)
    brings = any(secret.person_id == subject_id for _, secret in secrets_of(command, subject_id))
    return brings and target.decider.subject is not None and subject_id == stream_id


def _with_sealed(command: Command, names: Sequence[str], values: Sequence[Any]) -> Command:
    for value in values:
        if isinstance(value, ErasedError):
            raise value
    return command.model_copy(update=dict(zip(names, values, strict=True)))


def _evolve(decider: Decider[Any, Any, Any], state: Any, event: Event) -> Any:
    if not decider.owns(event.type):
        raise UnknownError(**{decider.name: event.stream_id})
    return decider.evolve(state, event.fact)


def _decide(intent: Intent, streams: Mapping[UUID, Stream]) -> Decision:
    expected, addressed = intent.context.expected_version, streams[intent.targets[0][1]]
    if expected is not None and expected != addressed.version:
        raise VersionError(expected=expected, actual=addressed.version)
    return [(stream_id, target.decider, target.decider.decide(intent.command, streams[stream_id].state))
            for target, stream_id in intent.targets]  # fmt: skip


def _write(intent: Intent, decision: Decision, streams: Mapping[UUID, Stream], clock: Callable[[], datetime]) -> Write:
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


def _after(intent: Intent, decision: Decision, streams: Mapping[UUID, Stream]) -> dict[UUID, Stream]:
    after: dict[UUID, Stream] = {}
    for stream_id, decider, facts in decision:
        version, subject_id, state = streams[stream_id]
        for fact in facts:
            state = decider.evolve(state, fact)
        subject_id = subject_id or decider.subject_of(intent.command, stream_id)
        after[stream_id] = Stream(version + len(facts), subject_id if version + len(facts) else None, state)
    return after


def _repeat(command_id: UUID, found: Found, fingerprint: bytes) -> Outcome | RepeatedError:
    if found.fingerprint != fingerprint:
        return RepeatedError(command_id=command_id)
    return Outcome(command_id, found.places, repeated=True)


def _raise_or(verdict: Outcome | RepeatedError) -> Outcome:
    if isinstance(verdict, RepeatedError):
        raise verdict
    return verdict
