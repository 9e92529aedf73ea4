"""One generic way from a command to its facts: load, decide, append."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.cache import Cache
from domain.decider import Command, Registry
from domain.decision import (
    NEW,
    AnyDecider,
    Context,
    Decision,
    Intent,
    Stream,
    Streams,
    after,
    decide,
    deciders_of,
    fold,
    owner_of,
    write_of,
)
from domain.draft import NO_STREAMS, Batch, Decided, Draft, Outcome, Verdicts
from domain.errors import (
    NaiveTimeError,
    OutcomeUnknownError,
    RefusedError,
    RepeatedError,
    TooFarAheadError,
    UnavailableError,
)
from domain.personal import Secret, secrets_of
from domain.ports import Append, Found, KnownError, Ledger, Place, StaleError, Vault, Write

__all__ = ["AHEAD", "Batch", "Context", "Draft", "Executor", "Outcome"]

AHEAD = timedelta(minutes=5)
PATIENCE = 100  # how often a batch is decided anew because others were faster


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

    def begin(
        self, command: Command, context: Context, notify: Callable[[], None], *, is_new: bool = False
    ) -> Callable[[], Outcome] | None:
        """The short way, without waiting: decided on what is remembered; none where that can't be, nor be accepted.

        What is returned answers once `notify` was called, in a thread of the ledger's: the outcome, or raises as
        Ledger.append does; after StaleError and KnownError, `execute` it, as after none. `is_new`: the id of the
        stream was made for this command, so nothing is to be read of it.
        """
        try:
            return self._begin(command, context, notify, is_new=is_new)
        except RefusedError:  # never on what is only remembered
            return None

    def execute_all(self, batch: Batch) -> Sequence[Outcome | RefusedError]:
        """Decides one after the other and appends all that is accepted at once; a verdict for each.

        Later commands see what earlier ones did. For imports: the ids are looked up first.
        """
        return self.append_all(self.decide_all(batch))

    def decide_all(self, batch: Batch, upon: Draft | None = None) -> Draft:
        """The first half of `execute_all`; it may begin while the draft before, `upon`, is being appended."""
        verdicts: Verdicts = {}
        waits = upon is not None and upon.stands is None
        above = upon.above if upon is not None and waits else NO_STREAMS
        intents = {n: self._intent(command, context, self._fingerprint(command))
                   for n, (command, context) in enumerate(batch)}  # fmt: skip
        self._settle_known(intents, verdicts)
        intents = self._seal_all(intents, verdicts, above)
        if not waits:
            return Draft(len(batch), intents, verdicts, self._decide_all(intents, use_cache=True), None)
        decided = self._decide_upon(above, intents, use_cache=True) if above else None
        return Draft(len(batch), intents, verdicts, decided if decided and decided.is_certain else None, upon)

    def append_all(self, draft: Draft) -> Sequence[Outcome | RefusedError]:
        """The second half, after that of the draft before; where that one does not stand, it is decided anew."""
        decided = draft.decided if draft.upon is None or draft.upon.stands else None
        stands = False
        try:
            if decided is None:  # what was waited for may have written it
                self._settle_known(draft.intents, draft.verdicts)
            stands = self._append_until_settled(draft, decided) is draft.decided
        finally:
            draft.stands, draft.upon = stands, None
        return [draft.verdicts[n] for n in range(draft.size)]

    def _append_until_settled(self, draft: Draft, decided: Decided | None) -> Decided:
        use_cache = True
        for _ in range(PATIENCE):
            decided = decided or self._decide_all(draft.intents, use_cache=use_cache)
            try:
                draft.verdicts |= self._append_all(draft.intents, decided)
            except StaleError:
                decided, use_cache = None, False
            except KnownError:  # written since, perhaps by ourselves: the reply was lost
                self._settle_known(draft.intents, draft.verdicts)
                decided = None
            else:
                return decided
        raise OutcomeUnknownError(commands=draft.size)

    def _begin(
        self, command: Command, context: Context, notify: Callable[[], None], *, is_new: bool
    ) -> Callable[[], Outcome] | None:
        self._check_time(context)
        intent = self._intent(command, context, b"")
        streams, missing = self._streams.find(deciders_of([intent]))
        if missing:
            if not is_new or missing != [intent.address]:
                return None
            streams[intent.address] = NEW
        owner = owner_of(intent, streams)
        if secrets := secrets_of(command, owner):
            values = self._vault.seal_at_once([secret for _, secret in secrets])
            if values is None:
                return None
            intent = _with_sealed(intent, owner, secrets, values)
        decision = decide(intent, streams)
        if not any(facts for _, _, facts in decision):
            return None
        return self._submit(intent._replace(fingerprint=self._fingerprint(command)), decision, streams, notify)

    def _submit(
        self, intent: Intent, decision: Decision, streams: Streams, notify: Callable[[], None]
    ) -> Callable[[], Outcome]:
        append = self._append_of(intent, decision, streams)
        places = self._ledger.submit(append, notify, timeout_s=intent.context.timeout_s)
        return lambda: self._outcome(intent, decision, streams, places())

    def _fingerprint(self, command: Command) -> bytes:
        return self._vault.fingerprint(command.NAME.encode() + command.__pydantic_serializer__.to_json(command))

    def _intent(self, command: Command, context: Context, fingerprint: bytes) -> Intent:
        targets = [(target, stream_id) for target in self.registry.of(command).targets
                   if (stream_id := getattr(command, target.field)) is not None]  # fmt: skip
        return Intent(command, context, fingerprint, targets, command)

    def _prepare(self, command: Command, context: Context, fingerprint: bytes) -> Intent:
        self._check_time(context)
        intent = self._intent(command, context, fingerprint)
        return self._seal(intent, self._subject(intent))

    def _check_time(self, context: Context, now: datetime | None = None) -> None:
        if (at := context.occurred_at) is None:
            return
        if at.tzinfo is None:
            raise NaiveTimeError(occurred_at=at.isoformat())
        if at > (now or self._clock()) + AHEAD:
            raise TooFarAheadError(occurred_at=at.isoformat())

    def _settle_known(self, intents: dict[int, Intent], verdicts: Verdicts) -> None:
        """Takes out what the ledger holds already."""
        if not intents:
            return
        found = self._ledger.find_commands([intent.context.command_id for intent in intents.values()])
        for n, intent in list(intents.items()) if found else ():
            if earlier := found.get(intent.context.command_id):
                verdicts[n] = _repeat(intent.context.command_id, earlier, intent.fingerprint)
                del intents[n]

    def _seal(self, intent: Intent, subject_id: UUID) -> Intent:
        if not (secrets := secrets_of(intent.bare, subject_id)):
            return intent
        return _with_sealed(intent, subject_id, secrets, self._vault.seal([secret for _, secret in secrets]))

    def _seal_all(self, intents: Mapping[int, Intent], verdicts: Verdicts, above: Streams) -> dict[int, Intent]:
        """As `_seal` does, with one call for all of them."""
        subjects = {n: intent.named_subject for n, intent in intents.items()}
        found = ((n, secrets_of(intent.bare, subjects[n])) for n, intent in intents.items())
        brought = {n: secrets for n, secrets in found if secrets}
        if any(_is_silent(intents[n]) for n in brought):
            subjects = dict(zip(intents, self._subjects(list(intents.values()), above), strict=True))
            brought = {n: secrets_of(intents[n].bare, subjects[n]) for n in brought}
        values = iter(self._vault.seal([secret for secrets in brought.values() for _, secret in secrets]))
        ready, now = dict[int, Intent](), self._clock()
        for n, intent in intents.items():
            secrets = brought.get(n, ())
            own = [next(values) for _ in secrets]
            try:
                self._check_time(intent.context, now)
                ready[n] = _with_sealed(intent, subjects[n], secrets, own) if secrets else intent
            except RefusedError as error:
                verdicts[n] = error
        return ready

    def _subject(self, intent: Intent) -> UUID:
        """As `_subjects` says; what is remembered of the stream spares the rest."""
        if (known := self._streams.get(intent.address)) and known.subject_id and intent.named_subject == intent.address:
            return known.subject_id
        return self._subjects([intent])[0]

    def _subjects(self, intents: Sequence[Intent], above: Streams = NO_STREAMS) -> Sequence[UUID]:
        """Whose data each command brings: of the subject it names, else of its stream's, in the ledger or before it.

        Only a guess: what is decided on says for certain, and `_rightly_sealed` makes it good.
        """
        streams = {intent.address: [intent.targets[0][0].decider] for intent in intents if _is_silent(intent)}
        known, missing = self._streams.find(streams, above)
        read = self._read({stream_id: streams[stream_id] for stream_id in missing}) if missing else {}
        whose = {stream_id: stream.subject_id for stream_id, stream in (known | read).items() if stream.subject_id}
        subjects: list[UUID] = []
        for intent in intents:
            if (named := intent.named_subject) == intent.address:
                named = whose.get(named, named)
            else:
                whose.setdefault(intent.address, named)
            subjects.append(named)
        return subjects

    def _rightly_sealed(self, intent: Intent, streams: Streams) -> Intent:
        """Under the key of whom the stream belongs to, which may have begun since, or be another than the one named."""
        if intent.sealed_for is None or intent.sealed_for == (owner := owner_of(intent, streams)):
            return intent
        return self._seal(intent, owner)

    def _attempt(self, intent: Intent, deadline: datetime) -> Outcome:
        cached = True
        while True:
            streams, remembered = self._load([intent], use_cache=cached)
            cached = bool(remembered)
            try:
                intent = self._rightly_sealed(intent, streams)
                decision = decide(intent, streams)
            except RefusedError:
                if cached:  # never refused on what is only remembered
                    cached = False
                    continue
                raise
            if not any(facts for _, _, facts in decision):
                if cached:
                    cached = False
                    continue
                return Outcome(intent.context.command_id, (), streams[intent.address].version)
            try:
                return self._append(intent, decision, streams, deadline)
            except StaleError:
                cached = self._was_overtaken_here(streams)
                if self._clock() > deadline:
                    raise OutcomeUnknownError(command_id=intent.context.command_id) from None
            except KnownError:
                return self._recall(intent)

    def _was_overtaken_here(self, streams: Streams) -> bool:
        """Another thread of ours moved one of them on and remembers it: on a busy stream, that spares the reading."""
        remembered = ((self._streams.get(stream_id), stream.version) for stream_id, stream in streams.items())
        return any(newer is not None and newer.version > version for newer, version in remembered)

    def _append(self, intent: Intent, decision: Decision, streams: Streams, deadline: datetime) -> Outcome:
        append = self._append_of(intent, decision, streams)
        left_s = (deadline - self._clock()).total_seconds()
        return self._outcome(intent, decision, streams, self._ledger.append(append, timeout_s=left_s))

    def _append_of(self, intent: Intent, decision: Decision, streams: Streams) -> Append:
        write = write_of(intent, decision, streams, self._clock)
        written = {stream_id for stream_id, _, facts in decision if facts}
        expected = {stream_id: streams[stream_id].version for stream_id in written}
        guards = {stream_id: streams[stream_id].version for stream_id, _, facts in decision if stream_id not in written}
        return Append((write,), expected, guards)

    def _outcome(self, intent: Intent, decision: Decision, streams: Streams, places: Sequence[Place]) -> Outcome:
        grown = after(intent, decision, streams)
        self._streams.keep(grown)
        return Outcome(intent.context.command_id, places, grown[intent.address].version)

    def _recall(self, intent: Intent) -> Outcome:
        """The outcome of a command that turned out to be written: while unread, it is unknown, not refused."""
        self._streams.forget(stream_id for _, stream_id in intent.targets)
        command_id = intent.context.command_id
        try:
            found = self._ledger.find_commands([command_id])[command_id]
        except UnavailableError as error:
            raise OutcomeUnknownError(command_id=command_id) from error
        return _raise_or(_repeat(command_id, found, intent.fingerprint))

    def _decide_all(self, intents: Mapping[int, Intent], *, use_cache: bool) -> Decided:
        decided = self._decide_upon(NO_STREAMS, intents, use_cache=use_cache)
        return decided if decided.is_certain else self._decide_upon(NO_STREAMS, intents, use_cache=False)

    def _decide_upon(self, above: Streams, intents: Mapping[int, Intent], *, use_cache: bool) -> Decided:
        """Of what another draft makes of the streams, nothing is certain but what is accepted."""
        read, remembered = self._load(intents.values(), use_cache=use_cache, above=above)
        streams, refusals, repeats = dict(read), dict[int, RefusedError](), dict[int, int]()
        versions, writes = dict[int, int](), dict[int, Write]()
        written_by: dict[UUID, int] = {}  # by the id of its command
        for n, given in intents.items():
            command_id = given.context.command_id
            if command_id in written_by:
                repeats[n] = written_by[command_id]
                continue
            try:
                intent = self._rightly_sealed(given, streams)
                decision = decide(intent, streams)
                write = write_of(intent, decision, streams, self._clock)
            except RefusedError as error:
                refusals[n] = error
                continue
            if write.facts:
                writes[n], written_by[command_id] = write, n
                streams |= after(intent, decision, streams)
            versions[n] = streams[intent.address].version
        idle = [n for n in intents if n not in writes and n not in repeats]
        is_certain = not idle or not (
            above or any(stream_id in remembered for n in idle for _, stream_id in intents[n].targets)
        )
        return Decided(read, streams, writes, versions, refusals, repeats, is_certain)

    def _append_all(self, intents: Mapping[int, Intent], decided: Decided) -> Verdicts:
        read, grown, writes, versions, refusals, repeats, _ = decided
        patience_s = max((intent.context.timeout_s for intent in intents.values()), default=0.0)
        places = iter(self._append_writes(list(writes.values()), read, patience_s))
        self._streams.keep({stream_id: stream for stream_id, stream in grown.items() if stream.decider})
        verdicts: Verdicts = dict(refusals)
        for n, version in versions.items():
            own = [next(places) for _ in writes[n].facts] if n in writes else ()
            verdicts[n] = Outcome(intents[n].context.command_id, own, version)
        for n, first in repeats.items():
            found = Found(intents[first].fingerprint, _places_of(verdicts[first]))
            verdicts[n] = _repeat(intents[n].context.command_id, found, intents[n].fingerprint)
        return verdicts

    def _append_writes(self, writes: Sequence[Write], streams: Streams, timeout_s: float) -> Sequence[Place]:
        if not writes:
            return ()
        written = {fact.stream_id for write in writes for fact in write.facts}
        expected, guards = dict[UUID, int](), dict[UUID, int]()
        for stream_id, stream in streams.items():
            (expected if stream_id in written else guards)[stream_id] = stream.version
        return self._ledger.append(Append(writes, expected, guards), timeout_s=timeout_s)

    def _load(
        self, intents: Iterable[Intent], *, use_cache: bool, above: Streams = NO_STREAMS
    ) -> tuple[dict[UUID, Stream], Mapping[UUID, Stream]]:
        """The streams of the commands, and those of them that are remembered, not read."""
        wanted = deciders_of(intents)
        known, missing = self._streams.find(wanted, above) if use_cache else ({}, list(wanted))
        if not missing:
            return known, known
        read = self._read({stream_id: wanted[stream_id] for stream_id in missing})
        self._streams.keep({stream_id: stream for stream_id, stream in read.items() if stream.decider})
        return known | read, known

    def _read(self, wanted: Mapping[UUID, Sequence[AnyDecider]]) -> dict[UUID, Stream]:
        return fold(self._ledger.load(list(wanted)), wanted)

    def _earlier(self, context: Context, fingerprint: bytes) -> Outcome | None:
        """The first outcome of a command that is repeated: before an error or an empty answer, its id is looked up."""
        if context.fresh or not (found := self._ledger.find_commands([context.command_id])):
            return None
        return _raise_or(_repeat(context.command_id, found[context.command_id], fingerprint))


def _is_silent(intent: Intent) -> bool:
    """Brings personal data, and does not say whose: only the stream can tell."""
    subject_id = intent.named_subject
    return (
        intent.targets[0][0].decider.subject is not None
        and subject_id == intent.address
        and any(secret.person_id == subject_id for _, secret in secrets_of(intent.bare, subject_id))
    )


def _with_sealed(
    intent: Intent, subject_id: UUID, secrets: Iterable[tuple[str, Secret]], values: Sequence[Any]
) -> Intent:
    for value in values:
        if isinstance(value, RefusedError):
            raise value
    names = (name for name, _ in secrets)
    command = intent.bare.model_copy(update=dict(zip(names, values, strict=True)))
    is_subjects = any(secret.person_id == subject_id for _, secret in secrets)
    return intent._replace(command=command, sealed_for=subject_id if is_subjects else None)


def _repeat(command_id: UUID, found: Found, fingerprint: bytes) -> Outcome | RepeatedError:
    if found.fingerprint != fingerprint:
        return RepeatedError(command_id=command_id)
    return Outcome(command_id, found.places, repeated=True)


def _places_of(verdict: Outcome | RefusedError) -> Sequence[Place]:
    return verdict.places if isinstance(verdict, Outcome) else ()


def _raise_or(verdict: Outcome | RepeatedError) -> Outcome:
    if isinstance(verdict, RepeatedError):
        raise verdict
    return verdict
