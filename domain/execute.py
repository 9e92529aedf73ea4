"""One generic way from a command to its facts: load, decide, append."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.batches import Batches
from domain.decider import Command, Registry
from domain.decision import (
    NEW,
    Context,
    Decision,
    Intent,
    Streams,
    after,
    decide,
    deciders_of,
    minors_of,
    owner_of,
    write_of,
)
from domain.desk import AHEAD, Checks, Desk, repeat_of, with_sealed
from domain.draft import Batch, Draft, Outcome
from domain.errors import OutcomeUnknownError, RefusedError, RepeatedError, UnavailableError
from domain.personal import secrets_of
from domain.ports import Append, KnownError, Ledger, Place, StaleError, Vault

__all__ = ["AHEAD", "Batch", "Checks", "Context", "Draft", "Executor", "Outcome"]

NO_CHECKS: Checks = {}


class Executor:
    """Executes commands over a ledger and a vault. Safe from many threads."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        registry: Registry,
        *,
        clock: Callable[[], datetime],
        checks: Checks = NO_CHECKS,
        cache_size: int = 20_000,
    ) -> None:
        self.registry, self.checks = registry, checks
        self._desk = Desk(ledger, vault, registry, clock=clock, checks=checks, cache_size=cache_size)
        self._batches = Batches(self._desk)

    def execute(self, command: Command, context: Context) -> Outcome:
        """Raises RefusedError when it may not be, UnavailableError when a part is away or the deadline has passed."""
        intent = self._desk.intent(command, context, self._desk.fingerprint(command))
        deadline = self._desk.clock() + timedelta(seconds=context.timeout_s)
        try:
            outcome = self._attempt(self._prepare(intent), deadline)
        except RefusedError:
            if (earlier := self._earlier(intent)) is None:
                raise
            return earlier
        if outcome.places:
            return outcome
        return self._earlier(intent) or outcome

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

    def address_of(self, command: Command) -> UUID:
        """The stream it is addressed to."""
        address: UUID = getattr(command, self.registry.of(command).targets[0].field)
        return address

    def execute_all(self, batch: Batch) -> Sequence[Outcome | RefusedError]:
        """Decides one after the other and appends all that is accepted at once; a verdict for each.

        Later commands see what earlier ones did. For imports: the ids are looked up first.
        """
        return self.submit_all(self.decide_all(batch))()

    def decide_all(self, batch: Batch, upon: Draft | None = None) -> Draft:
        """The first half of `execute_all`; it may begin while the draft before, `upon`, is being appended."""
        return self._batches.decide_all(batch, upon)

    def submit_all(self, draft: Draft) -> Callable[[], Sequence[Outcome | RefusedError]]:
        """The second half, after that of the draft before; where that one does not stand, it is decided anew.

        What it returns waits for the verdicts: meanwhile the ledger writes.
        """
        return self._batches.submit_all(draft)

    def _begin(
        self, command: Command, context: Context, notify: Callable[[], None], *, is_new: bool
    ) -> Callable[[], Outcome] | None:
        self._desk.check(command, context)
        intent = self._desk.intent(command, context, b"")
        streams, missing = self._desk.streams.find(deciders_of([intent]))
        if missing:
            if not is_new or missing != [intent.address]:
                return None
            streams[intent.address] = NEW
        owner = owner_of(intent, streams)
        if secrets := secrets_of(command, owner, minors_of(intent, streams)):
            values = self._desk.vault.seal_at_once([secret for _, secret in secrets])
            if values is None:
                return None
            intent = with_sealed(intent, owner, secrets, values)
        decision = decide(intent, streams)
        if not any(facts for _, _, facts in decision):
            return None
        return self._submit(intent._replace(fingerprint=self._desk.fingerprint(command)), decision, streams, notify)

    def _submit(
        self, intent: Intent, decision: Decision, streams: Streams, notify: Callable[[], None]
    ) -> Callable[[], Outcome]:
        append = self._append_of(intent, decision, streams)
        places = self._desk.ledger.submit(append, notify, timeout_s=intent.context.timeout_s)
        return lambda: self._outcome(intent, decision, streams, places())

    def _prepare(self, intent: Intent) -> Intent:
        self._desk.check(intent.command, intent.context)
        return self._desk.seal(intent, self._desk.subject(intent))

    def _attempt(self, intent: Intent, deadline: datetime) -> Outcome:
        cached = True
        while True:
            streams, remembered = self._desk.load([intent], use_cache=cached)
            cached = bool(remembered)
            try:
                intent = self._desk.rightly_sealed(intent, streams)
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
                if self._desk.clock() > deadline:
                    raise OutcomeUnknownError(command_id=intent.context.command_id) from None
            except KnownError:
                return self._recall(intent)

    def _was_overtaken_here(self, streams: Streams) -> bool:
        """Another thread of ours moved one of them on and remembers it: on a busy stream, that spares the reading."""
        remembered = ((self._desk.streams.get(stream_id), stream.version) for stream_id, stream in streams.items())
        return any(newer is not None and newer.version > version for newer, version in remembered)

    def _append(self, intent: Intent, decision: Decision, streams: Streams, deadline: datetime) -> Outcome:
        append = self._append_of(intent, decision, streams)
        left_s = (deadline - self._desk.clock()).total_seconds()
        return self._outcome(intent, decision, streams, self._desk.ledger.append(append, timeout_s=left_s))

    def _append_of(self, intent: Intent, decision: Decision, streams: Streams) -> Append:
        write = write_of(intent, decision, streams, self._desk.clock)
        written = {stream_id for stream_id, _, facts in decision if facts}
        expected = {stream_id: streams[stream_id].version for stream_id in written}
        guards = {stream_id: streams[stream_id].version for stream_id, _, facts in decision if stream_id not in written}
        return Append((write,), expected, guards)

    def _outcome(self, intent: Intent, decision: Decision, streams: Streams, places: Sequence[Place]) -> Outcome:
        grown = after(intent, decision, streams)
        self._desk.streams.keep(grown)
        return Outcome(intent.context.command_id, places, grown[intent.address].version)

    def _recall(self, intent: Intent) -> Outcome:
        """The outcome of a command that turned out to be written: while unread, it is unknown, not refused."""
        self._desk.streams.forget(stream_id for _, stream_id in intent.targets)
        command_id = intent.context.command_id
        try:
            found = self._desk.ledger.find_commands([command_id])[command_id]
        except UnavailableError as error:
            raise OutcomeUnknownError(command_id=command_id) from error
        return _raise_or(repeat_of(intent, found))

    def _earlier(self, intent: Intent) -> Outcome | None:
        """The first outcome of a command that is repeated: before an error or an empty answer, its id is looked up."""
        command_id = intent.context.command_id
        if intent.context.fresh or not (found := self._desk.ledger.find_commands([command_id])):
            return None
        return _raise_or(repeat_of(intent, found[command_id]))


def _raise_or(verdict: Outcome | RepeatedError) -> Outcome:
    if isinstance(verdict, RepeatedError):
        raise verdict
    return verdict
