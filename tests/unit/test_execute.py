"""Executing a command: once for ever, never judged on a memory, in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.ids import uuid7
from domain.errors import (
    ErasedError,
    MergedError,
    NaiveTimeError,
    OutcomeUnknownError,
    RepeatedError,
    TooFarAheadError,
    TooLongAgoError,
    UnavailableError,
    UnknownError,
    VersionError,
)
from domain.execute import Context, Outcome
from domain.ports import Append, Found, KnownError, Place, StaleError
from tests.world import NOW, ONE_LINE, WatchedLedger, World, fresh, order, value_of


@pytest.fixture
def world() -> World:
    return World()


class TestOnceForEver:
    def test_a_repeat_gets_the_first_outcome_marked_as_such_and_writes_nothing(self, world: World) -> None:
        command, context = order("customer.register", customer_id=uuid7(), name="Ana"), fresh()
        first = world.here.execute(command, context)
        assert not first.repeated
        for executor in (world.here, world.elsewhere):
            again = executor.execute(command, context)
            assert (again.places, again.repeated, again.token) == (first.places, True, first.token)
            assert again.version == first.version == 1
        assert world.ledger.last_position() == 1

    def test_a_repeat_tells_the_version_that_was_reached_then_not_the_one_of_now(self, world: World) -> None:
        customer_id, context = world.customer(), fresh()
        need = order("customer.note_need", customer_id=customer_id, need="roof")
        world.here.execute(need, context)
        world.do("customer.note_need", customer_id=customer_id, need="wall")
        assert world.elsewhere.execute(need, context).version == 2

    def test_the_same_id_with_another_content_is_refused(self, world: World) -> None:
        customer_id, context = world.customer(), fresh()
        world.do("customer.note_need", customer_id=customer_id, need="roof", context=context)
        for name, fields in (("customer.note_need", {"need": "wall"}), ("customer.change_stage", {"stage": "lapsed"})):
            with pytest.raises(RepeatedError):
                world.do(name, customer_id=customer_id, context=context, **fields)
        assert world.ledger.last_position() == 2

    def test_a_personal_value_that_differs_is_another_content(self, world: World) -> None:
        customer_id, context = uuid7(), fresh()
        world.do("customer.register", customer_id=customer_id, name="Ana", context=context)
        with pytest.raises(RepeatedError):
            world.do("customer.register", customer_id=customer_id, name="Rui", context=context)

    def test_two_principals_with_the_same_key_do_not_meet(self, world: World) -> None:
        contexts = [Context(world.vault.derive_id(f"command {who}", "key-1"), who) for who in ("ana", "rui")]
        assert contexts[0].command_id != contexts[1].command_id
        for n, context in enumerate(contexts):
            assert not world.do("customer.register", customer_id=UUID(int=n + 1), context=context).repeated

    def test_no_principal_and_key_can_be_put_together_to_anothers(self, world: World) -> None:
        derive = world.vault.derive_id
        ids = {derive("command ana", "b\0c"), derive("command ana\0b", "c"), derive("command ana\0b\0", "c")}
        assert len(ids | {derive("command anab", "\0c"), derive("command anab\0c", "")}) == 5

    def test_an_id_is_looked_up_before_an_error(self, world: World) -> None:
        customer_id, context = uuid7(), fresh(expected_version=0)
        register = order("customer.register", customer_id=customer_id, name="Ana")
        first = world.here.execute(register, context)  # by now the customer exists, and is at version 1
        assert world.here.execute(register, context).places == first.places
        late = fresh(occurred_at=NOW)
        world.do("customer.note_need", customer_id=customer_id, need="roof", context=late)
        world.now = NOW - timedelta(days=1)  # the clock was set back: the time lies too far ahead
        assert world.do("customer.note_need", customer_id=customer_id, need="roof", context=late).repeated
        world.vault.erase([customer_id])
        assert world.elsewhere.execute(register, context).places == first.places

    def test_an_id_is_looked_up_before_an_empty_answer(self, world: World) -> None:
        customer_id, context = world.customer(), fresh()
        change = {"customer_id": customer_id, "stage": "customer"}
        first = world.do("customer.change_stage", context=context, **change)
        again = world.do("customer.change_stage", context=context, **change)
        assert (again.places, again.repeated) == (first.places, True)
        nothing = world.do("customer.change_stage", **change)
        assert (nothing.places, nothing.repeated, nothing.version) == ((), False, 2)

    def test_a_rejection_is_not_remembered(self, world: World) -> None:
        customer_id, context = uuid7(), fresh()
        need = {"customer_id": customer_id, "need": "roof"}
        with pytest.raises(UnknownError):
            world.do("customer.note_need", context=context, **need)
        world.do("customer.register", customer_id=customer_id)
        assert not world.do("customer.note_need", context=context, **need).repeated

    def test_a_reply_that_was_lost_is_recalled(self, world: World) -> None:
        ledger = world.ledger
        command, context = order("customer.register", customer_id=uuid7()), fresh()
        ledger.before_append = lambda: world.elsewhere.execute(command, context)
        outcome = world.here.execute(command, context)
        assert (outcome.repeated, [place.position for place in outcome.places]) == (True, [1])


class TestNeverJudgedOnAMemory:
    def test_what_is_remembered_is_decided_on_without_reading(self, world: World) -> None:
        customer_id = world.customer()
        before = world.ledger.loads
        for need in ("roof", "wall", "door"):
            world.do("customer.note_need", customer_id=customer_id, need=need)
        assert world.ledger.loads == before

    def test_a_stale_memory_never_answers_that_nothing_has_to_change(self, world: World) -> None:
        customer_id = world.customer()
        world.do("customer.change_stage", customer_id=customer_id, stage="customer")
        world.do("customer.change_stage", customer_id=customer_id, stage="lapsed", by=world.elsewhere)
        world.do("customer.change_stage", customer_id=customer_id, stage="customer")
        assert world.stages(customer_id) == ["customer", "lapsed", "customer"]

    def test_a_stale_memory_never_refuses(self, world: World) -> None:
        a, b = world.customer(), world.customer()
        world.do("customer.merge", customer_id=a, into_id=b)
        world.do("customer.unmerge", customer_id=a, from_id=b, by=world.elsewhere)
        world.do("customer.note_need", customer_id=a, need="roof")
        assert world.newest(a).type == "crm.customer.need_noted.v1"

    def test_a_stale_memory_of_a_guard_never_refuses_and_never_accepts(self, world: World) -> None:
        a, b = world.customer(), world.customer()
        world.do("customer.merge", customer_id=a, into_id=b)
        world.do("customer.unmerge", customer_id=a, from_id=b, by=world.elsewhere)
        world.do("order.place", order_id=uuid7(), customer_id=a, **ONE_LINE)
        world.do("customer.merge", customer_id=a, into_id=b, by=world.elsewhere)
        with pytest.raises(MergedError):
            world.do("order.place", order_id=uuid7(), customer_id=a, **ONE_LINE)

    def test_a_stale_version_is_told_from_a_stale_memory(self, world: World) -> None:
        customer_id = world.customer()
        world.do("customer.note_need", customer_id=customer_id, need="roof", by=world.elsewhere)
        needed = {"customer_id": customer_id, "need": "wall"}
        assert world.do("customer.note_need", context=fresh(expected_version=2), **needed).version == 3
        with pytest.raises(VersionError):
            world.do("customer.note_need", context=fresh(expected_version=2), **(needed | {"need": "door"}))
        with pytest.raises(VersionError):
            world.do("customer.register", customer_id=uuid7(), context=fresh(expected_version=1))

    def test_a_guard_that_moves_between_decision_and_append_is_decided_on_again(self, world: World) -> None:
        customer_id = world.customer()
        world.ledger.before_append = lambda: world.do("customer.erase", customer_id=customer_id, by=world.elsewhere)
        order_id = uuid7()
        with pytest.raises(ErasedError):
            world.do("order.place", order_id=order_id, customer_id=customer_id, **ONE_LINE)
        assert world.ledger.load([order_id]) == []

    @pytest.mark.parametrize(("winner", "reads"), [("here", 0), ("elsewhere", 2)])  # that one reads too
    def test_a_loser_reads_again_unless_the_winner_is_of_the_same_process(
        self, world: World, winner: str, reads: int
    ) -> None:
        customer_id = world.customer()
        before = world.ledger.loads
        wall = {"customer_id": customer_id, "need": "wall"}
        world.ledger.before_append = lambda: world.do("customer.note_need", by=getattr(world, winner), **wall)
        world.do("customer.note_need", customer_id=customer_id, need="roof")
        assert world.ledger.loads == before + reads
        assert len(world.ledger.load([customer_id])) == 3

    def test_a_stream_of_another_kind_is_unknown_read_or_remembered(self, world: World) -> None:
        customer_id, ticket_id = world.customer(), uuid7()
        world.do("ticket.open", ticket_id=ticket_id, customer_id=customer_id)
        for executor in (world.here, world.executor()):
            for name, fields in (
                ("customer.note_need", {"customer_id": ticket_id, "need": "roof"}),
                ("ticket.close", {"ticket_id": customer_id}),
                ("ticket.open", {"ticket_id": customer_id, "customer_id": customer_id}),
            ):
                with pytest.raises(UnknownError):
                    world.do(name, by=executor, **fields)
        assert world.do("ticket.close", ticket_id=ticket_id).version == 2


class TestTimes:
    @pytest.mark.parametrize("name", ["customer.register", "order.place"])
    def test_a_naive_time_is_refused(self, world: World, name: str) -> None:
        fields = {"customer_id": uuid7()} | ({"order_id": uuid7(), **ONE_LINE} if name == "order.place" else {})
        with pytest.raises(NaiveTimeError, match="time zone"):
            world.do(name, context=fresh(occurred_at=datetime(2026, 1, 1)), **fields)  # noqa: DTZ001 the fault itself
        assert world.ledger.last_position() == 0

    def test_a_time_too_far_ahead_is_refused_and_a_past_one_kept(self, world: World) -> None:
        customer_id = uuid7()
        with pytest.raises(TooFarAheadError):
            world.do("customer.register", customer_id=customer_id, context=fresh(occurred_at=NOW + timedelta(hours=1)))
        past = datetime(1999, 12, 31, 23, 59, tzinfo=UTC)
        world.do("customer.register", customer_id=customer_id, context=fresh(occurred_at=past))
        assert world.newest(customer_id).occurred_at == past

    @pytest.mark.parametrize("long_ago", ["0001-01-01T00:00:00+14:00", "0026-03-01T00:00:00Z", "1899-12-30T00:00:00Z"])
    def test_a_time_that_is_none_is_refused(self, world: World, long_ago: str) -> None:
        at = datetime.fromisoformat(long_ago)
        with pytest.raises(TooLongAgoError):
            world.do("customer.register", customer_id=uuid7(), context=fresh(occurred_at=at))
        assert world.ledger.last_position() == 0

    @pytest.mark.parametrize("far", ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"])
    def test_the_last_time_of_all_is_too_far_ahead(self, world: World, far: str) -> None:
        at = datetime.fromisoformat(far)
        with pytest.raises(TooFarAheadError):
            world.do("customer.register", customer_id=uuid7(), context=fresh(occurred_at=at))

    def test_a_command_without_a_time_happens_now(self, world: World) -> None:
        assert world.newest(world.customer()).occurred_at == NOW


class TestTwoSubjects:
    def test_both_facts_of_a_merge_are_written_in_one_append(self, world: World) -> None:
        a, b = world.customer(), world.customer()
        outcome = world.do("customer.merge", customer_id=a, into_id=b)
        assert [place.position for place in outcome.places] == [3, 4]
        assert [(e.subject_id, e.type) for e in world.ledger.read(2, 9)] == [
            (a, "crm.customer.merged.v1"),
            (b, "crm.customer.absorbed.v1"),
        ]
        assert len({e.command_id for e in world.ledger.read(2, 9)}) == 1
        assert len(world.ledger.appends) == 3

    def test_neither_is_written_when_one_refuses_or_moves(self, world: World) -> None:
        a, b = world.customer(), world.customer()
        with pytest.raises(UnknownError):
            world.do("customer.merge", customer_id=a, into_id=uuid7())
        world.ledger.before_append = lambda: world.do("customer.erase", customer_id=b, by=world.elsewhere)
        with pytest.raises(ErasedError):
            world.do("customer.merge", customer_id=a, into_id=b)
        assert [e.type for e in world.ledger.load([a])] == ["crm.customer.registered.v1"]


class TestDeadlines:
    def test_a_retry_has_only_the_time_that_is_left(self, world: World) -> None:
        def be_slow() -> None:
            world.now += timedelta(seconds=20)
            world.do("customer.note_need", customer_id=customer_id, need="other", by=world.elsewhere)

        customer_id = world.customer()
        world.ledger.before_append = be_slow
        world.do("customer.note_need", customer_id=customer_id, need="roof")
        assert world.ledger.timeouts_s[-1] == 10

    def test_a_stream_that_never_stands_still_ends_in_an_unknown_outcome(self) -> None:
        class MovingLedger(WatchedLedger):
            world: World

            def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
                del append, timeout_s
                self.world.now += timedelta(seconds=1)
                raise StaleError

        ledger = MovingLedger()
        world = ledger.world = World(ledger)
        with pytest.raises(OutcomeUnknownError, match="same id"):
            world.customer()
        with pytest.raises(OutcomeUnknownError, match="same id"):
            world.here.execute_all([(order("customer.register", customer_id=uuid7()), fresh())])

    def test_a_command_that_is_written_but_cannot_be_recalled_is_of_unknown_outcome(self) -> None:
        class AwayLedger(WatchedLedger):
            def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
                del append, timeout_s
                raise KnownError

            def find_commands(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Found]:
                del command_ids
                raise UnavailableError

        with pytest.raises(OutcomeUnknownError, match="same id"):
            World(AwayLedger()).customer()


class TestWithoutWaiting:
    """A command is begun on what is remembered, or not at all."""

    def begin(self, world: World, name: str, context: Context | None = None, /, **fields: Any) -> Callable[[], Outcome]:
        begun = self.try_to_begin(world, name, context, **fields)
        assert begun is not None
        return begun

    def try_to_begin(
        self, world: World, name: str, context: Context | None = None, /, *, is_new: bool = False, **fields: Any
    ) -> Callable[[], Outcome] | None:
        notified: list[None] = []
        begun = world.here.begin(
            order(name, **fields), context or fresh(), lambda: notified.append(None), is_new=is_new
        )
        assert len(notified) == (begun is not None)
        return begun

    def test_what_is_remembered_is_begun_and_answers_as_always(self, world: World) -> None:
        customer_id = world.customer(name="Ana")
        for n, name in enumerate(("Ana Lima", "Ana Luz"), 2):
            outcome = self.begin(world, "customer.amend", customer_id=customer_id, name=name)()
            assert (outcome.places[0].position, outcome.version, outcome.repeated) == (n, n, False)
        assert world.open(value_of(world.newest(customer_id).fact, "name")) == "Ana Luz"
        assert world.do("customer.note_need", customer_id=customer_id, need="roof").version == 4

    def test_a_repeat_is_the_same_for_who_begins_it(self, world: World) -> None:
        ticket_id, context = uuid7(), fresh()
        world.do("ticket.open", ticket_id=ticket_id, summary="No invoice came")
        note = {"ticket_id": ticket_id, "activity": "called back"}
        first = self.begin(world, "ticket.note", context, **note)()
        with pytest.raises(KnownError):
            self.begin(world, "ticket.note", context, **note)()
        again = world.do("ticket.note", context=context, **note)
        assert (again.places, again.repeated) == (first.places, True)
        with pytest.raises(RepeatedError):
            world.do("ticket.note", context=context, **note | {"activity": "wrote"})

    def test_what_would_have_to_be_read_or_refused_is_not_begun(self, world: World) -> None:
        elsewhere, here = uuid7(), world.customer()
        world.do("customer.register", customer_id=elsewhere, by=world.elsewhere)
        assert self.try_to_begin(world, "customer.note_need", customer_id=elsewhere, need="roof") is None
        assert self.try_to_begin(world, "customer.register", customer_id=here) is None
        ahead = fresh(occurred_at=NOW + timedelta(days=1))
        assert self.try_to_begin(world, "customer.note_need", ahead, customer_id=here, need="roof") is None
        world.do("customer.note_need", customer_id=here, need="roof")
        assert world.ledger.last_position() == 3

    def test_an_idle_command_is_not_begun(self, world: World) -> None:
        customer_id = world.customer()
        world.do("customer.change_stage", customer_id=customer_id, stage="customer")
        assert self.try_to_begin(world, "customer.change_stage", customer_id=customer_id, stage="customer") is None

    def test_a_new_stream_is_begun_unread_and_found_out_when_it_is_not_new(self, world: World) -> None:
        deal = {"opportunity_id": uuid7(), "title": "Chairs"}
        assert self.try_to_begin(world, "opportunity.open", **deal) is None
        loads = world.ledger.loads
        begun = self.try_to_begin(world, "opportunity.open", is_new=True, **deal)
        assert begun is not None
        assert (begun().version, world.ledger.loads) == (1, loads)
        other = uuid7()
        world.do("opportunity.open", opportunity_id=other, title="Tables", by=world.elsewhere)
        begun = self.try_to_begin(world, "opportunity.open", is_new=True, opportunity_id=other, title="Chairs")
        assert begun is not None
        with pytest.raises(StaleError):
            begun()

    def test_what_was_overtaken_writes_nothing(self, world: World) -> None:
        customer_id = world.customer()
        world.do("customer.note_need", customer_id=customer_id, need="wall", by=world.elsewhere)
        begun = self.begin(world, "customer.note_need", customer_id=customer_id, need="roof")
        with pytest.raises(StaleError):
            begun()
        assert world.ledger.last_position() == 2
