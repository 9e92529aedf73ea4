"""Many commands at once: decided one after the other, appended together, each with its verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event
from uuid import UUID

from domain.decision import Intent, Streams, after, decide, write_of
from domain.desk import Desk, repeat_of
from domain.draft import NO_STREAMS, Batch, Decided, Draft, Outcome, Verdicts
from domain.errors import OutcomeUnknownError, RefusedError
from domain.ports import Append, Found, KnownError, Place, StaleError, Write

Places = Callable[[], Sequence[Place]]
PATIENCE = 100  # how often a batch is decided anew because others were faster


class Batches:
    """Safe from many threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

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
        intents = {n: self._desk.intent(command, context, context.fingerprint or self._desk.fingerprint(command))
                   for n, (command, context) in enumerate(batch)}  # fmt: skip
        self._settle_known(intents, verdicts)
        intents = self._desk.seal_all(intents, verdicts, above)
        if not waits:
            return Draft(len(batch), intents, verdicts, self._decide_all(intents, use_cache=True), None)
        decided = self._decide_upon(above, intents, use_cache=True) if above else None
        return Draft(len(batch), intents, verdicts, decided if decided and decided.is_certain else None, upon)

    def append_all(self, draft: Draft) -> Sequence[Outcome | RefusedError]:
        """The second half, after that of the draft before; where that one does not stand, it is decided anew."""
        return self.submit_all(draft)()

    def submit_all(self, draft: Draft) -> Callable[[], Sequence[Outcome | RefusedError]]:
        """As `append_all`, which is what it returns does: meanwhile the ledger writes."""
        decided = draft.decided if draft.upon is None or draft.upon.stands else None
        draft.upon = None
        try:
            if decided is None:  # what was waited for may have written it
                self._settle_known(draft.intents, draft.verdicts)
                decided = self._decide_all(draft.intents, use_cache=True)
            places = self._submit_writes(draft.intents, decided)
        except BaseException:
            draft.stands = False
            raise
        return lambda: self._await_all(draft, decided, places)

    def _await_all(self, draft: Draft, decided: Decided, places: Places) -> Sequence[Outcome | RefusedError]:
        stands = False
        try:
            stands = self._append_until_settled(draft, decided, places) is draft.decided
        finally:
            draft.stands = stands
        return [draft.verdicts[n] for n in range(draft.size)]

    def _append_until_settled(self, draft: Draft, decided: Decided, places: Places) -> Decided:
        use_cache = True
        for _ in range(PATIENCE):
            try:
                draft.verdicts |= self._verdicts_of(draft.intents, decided, places())
            except StaleError:
                use_cache = False
            except KnownError:  # written since, perhaps by ourselves: the reply was lost
                self._settle_known(draft.intents, draft.verdicts)
            else:
                return decided
            decided = self._decide_all(draft.intents, use_cache=use_cache)
            places = self._submit_writes(draft.intents, decided)
        raise OutcomeUnknownError(commands=draft.size)

    def _settle_known(self, intents: dict[int, Intent], verdicts: Verdicts) -> None:
        """Takes out what the ledger holds already."""
        if not intents:
            return
        found = self._desk.ledger.find_commands([intent.context.command_id for intent in intents.values()])
        for n, intent in list(intents.items()) if found else ():
            if earlier := found.get(intent.context.command_id):
                verdicts[n] = repeat_of(intent, earlier)
                del intents[n]

    def _decide_all(self, intents: Mapping[int, Intent], *, use_cache: bool) -> Decided:
        decided = self._decide_upon(NO_STREAMS, intents, use_cache=use_cache)
        return decided if decided.is_certain else self._decide_upon(NO_STREAMS, intents, use_cache=False)

    def _decide_upon(self, above: Streams, intents: Mapping[int, Intent], *, use_cache: bool) -> Decided:
        """Of what another draft makes of the streams, nothing is certain but what is accepted."""
        read, remembered = self._desk.load(intents.values(), use_cache=use_cache, above=above)
        streams, refusals, repeats = dict(read), dict[int, RefusedError](), dict[int, int]()
        versions, writes = dict[int, int](), dict[int, Write]()
        written_by: dict[UUID, int] = {}  # by the id of its command
        for n, given in intents.items():
            command_id = given.context.command_id
            if command_id in written_by:
                repeats[n] = written_by[command_id]
                continue
            try:
                intent = self._desk.rightly_sealed(given, streams)
                decision = decide(intent, streams)
                write = write_of(intent, decision, streams, self._desk.clock)
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

    def _verdicts_of(self, intents: Mapping[int, Intent], decided: Decided, given: Sequence[Place]) -> Verdicts:
        _, grown, writes, versions, refusals, repeats, _ = decided
        places = iter(given)
        self._desk.streams.keep({stream_id: stream for stream_id, stream in grown.items() if stream.decider})
        verdicts: Verdicts = dict(refusals)
        for n, version in versions.items():
            own = [next(places) for _ in writes[n].facts] if n in writes else ()
            verdicts[n] = Outcome(intents[n].context.command_id, own, version)
        for n, first in repeats.items():
            verdicts[n] = repeat_of(intents[n], _found_in(verdicts[first], intents[first]))
        mine = {intents[n].context.command_id for n in writes}
        idle = {n: intent for n, intent in intents.items() if intent.context.command_id not in mine}
        return verdicts | self._earlier(idle)

    def _earlier(self, idle: Mapping[int, Intent]) -> Verdicts:
        """Of what is refused, or comes to nothing: another may have written it since its id was looked up."""
        ids = {n: intent.context.command_id for n, intent in idle.items() if not intent.context.fresh}
        found = self._desk.ledger.find_commands(list(ids.values())) if ids else {}
        return {n: repeat_of(idle[n], found[id_]) for n, id_ in ids.items() if id_ in found}

    def _submit_writes(self, intents: Mapping[int, Intent], decided: Decided) -> Places:
        writes = list(decided.writes.values())
        if not writes:
            return tuple
        expected, guards = dict[UUID, int](), dict[UUID, int]()
        for stream_id, stream in decided.read.items():
            is_written = decided.grown[stream_id].version > stream.version
            (expected if is_written else guards)[stream_id] = stream.version
        timeout_s = max(intent.context.timeout_s for intent in intents.values())
        done = Event()
        places = self._desk.ledger.submit(Append(writes, expected, guards), done.set, timeout_s=timeout_s)

        def await_places() -> Sequence[Place]:
            done.wait(timeout_s)
            return places()

        return await_places


def _found_in(verdict: Outcome | RefusedError, intent: Intent) -> Found:
    """What the ledger would tell of a command that was written a moment ago."""
    if isinstance(verdict, Outcome) and verdict.version is not None:
        return Found(intent.fingerprint, verdict.places, {intent.address: verdict.version})
    return Found(intent.fingerprint, (), {})
