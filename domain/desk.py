"""What single commands and batches share: streams remembered or read, values sealed under whose they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.cache import Cache
from domain.decider import Command, Registry
from domain.decision import (
    AnyDecider,
    Context,
    Intent,
    Stream,
    Streams,
    content_of,
    deciders_of,
    fingerprint_of,
    fold,
    minors_of,
    owner_of,
)
from domain.draft import NO_STREAMS, Outcome, Verdicts
from domain.errors import NaiveTimeError, RefusedError, RepeatedError, TooFarAheadError, TooLongAgoError
from domain.moments import FIRST
from domain.personal import Secret, secrets_of
from domain.ports import Found, Ledger, Vault

AHEAD = timedelta(minutes=5)
Checks = Mapping[type[Command], Callable[[Any], None]]
"""What only an adapter can tell of a command by itself, asked before it is decided: raises RefusedError."""


class Desk:
    """The parts, and the streams that are remembered. Safe from many threads."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        registry: Registry,
        *,
        clock: Callable[[], datetime],
        checks: Checks,
        cache_size: int,
    ) -> None:
        self.ledger, self.vault, self.registry, self.clock = ledger, vault, registry, clock
        self.streams: Cache[UUID, Stream] = Cache(cache_size)
        self._checks = checks

    def fingerprint(self, command: Command) -> bytes:
        return fingerprint_of(command, content_of(command), self.vault.fingerprint)

    def intent(self, command: Command, context: Context, fingerprint: bytes) -> Intent:
        targets = [(target, stream_id) for target in self.registry.of(command).targets
                   if (stream_id := getattr(command, target.field)) is not None]  # fmt: skip
        return Intent(command, context, fingerprint, targets, command)

    def check(self, command: Command, context: Context, now: datetime | None = None) -> None:
        if check := self._checks.get(type(command)):
            check(command)
        if (at := context.occurred_at) is None:
            return
        if at.tzinfo is None:
            raise NaiveTimeError(occurred_at=at.isoformat())
        if at > (now or self.clock()) + AHEAD:
            raise TooFarAheadError(occurred_at=at.isoformat())
        if at < FIRST:
            raise TooLongAgoError(occurred_at=at.isoformat())

    def load(
        self, intents: Iterable[Intent], *, use_cache: bool, above: Streams = NO_STREAMS
    ) -> tuple[dict[UUID, Stream], Mapping[UUID, Stream]]:
        """The streams of the commands, and those of them that are remembered, not read."""
        wanted = deciders_of(intents)
        known, missing = self.streams.find(wanted, above) if use_cache else ({}, list(wanted))
        if not missing:
            return known, known
        read = self._read({stream_id: wanted[stream_id] for stream_id in missing})
        self.streams.keep({stream_id: stream for stream_id, stream in read.items() if stream.decider})
        return known | read, known

    def _read(self, wanted: Mapping[UUID, Sequence[AnyDecider]]) -> dict[UUID, Stream]:
        return fold(self.ledger.load(list(wanted)), wanted)

    def seal(self, intent: Intent, subject_id: UUID, minors: Collection[UUID] = ()) -> Intent:
        if not (secrets := secrets_of(intent.bare, subject_id, minors)):
            return intent
        sealed = with_sealed(intent, subject_id, secrets, self.vault.seal([secret for _, secret in secrets]))
        return sealed._replace(minors=minors)

    def seal_all(self, intents: Mapping[int, Intent], verdicts: Verdicts, above: Streams) -> dict[int, Intent]:
        """As `seal` does, with one call for all of them."""
        subjects = {n: intent.named_subject for n, intent in intents.items()}
        found = ((n, secrets_of(intent.bare, subjects[n])) for n, intent in intents.items())
        brought = {n: secrets for n, secrets in found if secrets}
        if any(_is_silent(intents[n]) for n in brought):
            subjects = dict(zip(intents, self._subjects(list(intents.values()), above), strict=True))
            brought = {n: secrets_of(intents[n].bare, subjects[n]) for n in brought}
        values = iter(self.vault.seal([secret for secrets in brought.values() for _, secret in secrets]))
        ready, now = dict[int, Intent](), self.clock()
        for n, intent in intents.items():
            secrets = brought.get(n, ())
            own = [next(values) for _ in secrets]
            try:
                self.check(intent.bare, intent.context, now)
                ready[n] = with_sealed(intent, subjects[n], secrets, own) if secrets else intent
            except RefusedError as error:
                verdicts[n] = error
        return ready

    def rightly_sealed(self, intent: Intent, streams: Streams) -> Intent:
        """Under the key of whom the stream belongs to, which may have begun since, or be another than the one named.

        And for a child under that of its purpose: the stream knows who is one, not each command.
        """
        if intent.command is intent.bare:  # nothing was sealed
            return intent
        owner, minors = owner_of(intent, streams), minors_of(intent, streams)
        if intent.sealed_for in (None, owner) and intent.minors == minors:
            return intent
        return self.seal(intent, owner, minors)

    def subject(self, intent: Intent) -> UUID:
        """As `_subjects` says; what is remembered of the stream spares the rest."""
        if (known := self.streams.get(intent.address)) and known.subject_id and intent.named_subject == intent.address:
            return known.subject_id
        return self._subjects([intent])[0]

    def _subjects(self, intents: Sequence[Intent], above: Streams = NO_STREAMS) -> Sequence[UUID]:
        """Whose data each command brings: of the subject it names, else of its stream's, in the ledger or before it.

        Only a guess: what is decided on says for certain, and `rightly_sealed` makes it good.
        """
        streams = {intent.address: [intent.targets[0][0].decider] for intent in intents if _is_silent(intent)}
        known, missing = self.streams.find(streams, above)
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


def _is_silent(intent: Intent) -> bool:
    """Brings personal data, and does not say whose: only the stream can tell."""
    subject_id = intent.named_subject
    return (
        intent.targets[0][0].decider.subject is not None
        and subject_id == intent.address
        and any(secret.person_id == subject_id for _, secret in secrets_of(intent.bare, subject_id))
    )


def with_sealed(
    intent: Intent, subject_id: UUID, secrets: Iterable[tuple[str, Secret]], values: Sequence[Any]
) -> Intent:
    for value in values:
        if isinstance(value, RefusedError):
            raise value
    names = (name for name, _ in secrets)
    command = intent.bare.model_copy(update=dict(zip(names, values, strict=True)))
    is_subjects = any(secret.person_id == subject_id for _, secret in secrets)
    return intent._replace(command=command, sealed_for=subject_id if is_subjects else None)


def repeat_of(intent: Intent, found: Found) -> Outcome | RepeatedError:
    """The first outcome of a command that was written; without a version where it only wrote to other streams."""
    command_id = intent.context.command_id
    if found.fingerprint != intent.fingerprint:
        return RepeatedError(command_id=command_id)
    return Outcome(command_id, found.places, found.versions.get(intent.address), repeated=True)
