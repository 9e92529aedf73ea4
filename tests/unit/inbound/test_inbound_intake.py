"""An event is taken once, whatever repeats and crashes; what is refused is held, sealed, until somebody mends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.ids import uuid7
from domain.errors import KeyMissingError, RefusedError, UnavailableError, UnknownError
from domain.personal import ERASED
from streams.inbound.errors import (
    EventFormError,
    EventTakenError,
    NotHeldError,
    NotInForceError,
    QuarantineFullError,
)
from streams.inbound.holding import LARGEST_KEPT, reason_of
from streams.inbound.intake import Intake, Kind
from streams.inbound.quarantine import State
from streams.inbound.sweeping import Sweeper
from streams.inbound.telling import tell_names, tell_to_partner, tell_whole
from tests.sending import Desk, MemoryQuarantine, MemoryTold, accepting, event
from tests.world import NOW, World


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.agree(accepting("availability", "shipment"))
    return desk


def low(desk: Desk, level: str = "low") -> dict[str, Any]:
    return {"product_id": str(desk.product()), "level": level}


class TestOnce:
    def test_sent_again_it_is_repeated_with_the_first_token(self, desk: Desk) -> None:
        sent = event("availability", low(desk))
        first, again = desk.send(sent), desk.send({**sent, "subject": "another attribute"})
        assert (first.kind, again.kind, again.token) == (Kind.ACCEPTED, Kind.REPEATED, first.token)

    def test_one_that_changed_nothing_is_not_taken_later_when_it_would(self, desk: Desk) -> None:
        product_id = desk.product()
        low, out = ({"product_id": str(product_id), "level": level} for level in ("low", "out_of_stock"))
        assert desk.send(event("availability", low)).token
        assert (desk.send(event("availability", low, "2")).token) == ""
        assert desk.send(event("availability", out, "3")).token
        assert desk.send(event("availability", low, "2")).kind is Kind.REPEATED
        assert len(desk.types(product_id)) == 3

    def test_with_another_content_it_is_refused_and_what_was_taken_stays(self, desk: Desk) -> None:
        data = low(desk)
        desk.send(event("availability", data))
        for other in ({"data": {**data, "level": "in_stock"}}, {"time": "2026-02-01T00:00:00Z"}):
            verdict = desk.send({**event("availability", data), **other})
            assert isinstance(verdict.error, EventTakenError)
        assert desk.send(event("availability", data)).kind is Kind.REPEATED

    def test_of_two_that_come_at_once_with_one_name_the_later_is_told_that_it_is_taken(self, desk: Desk) -> None:
        class Slow(MemoryQuarantine):
            def taken(self, event_id: UUID) -> None:  # noqa: ARG002 as one that looked before the other was kept
                return None

        data = low(desk)
        desk.send(event("availability", data))
        world, slow = desk.world, Slow()
        late = Intake(world.here, world.vault, MemoryTold(world), slow, clock=lambda: world.now)
        verdict = late.take(desk.arrival(event("availability", {**data, "level": "in_stock"})))
        assert isinstance(verdict.error, EventTakenError)
        assert late.take(desk.arrival(event("availability", data))).kind is Kind.REPEATED

    def test_another_source_and_another_partner_have_names_of_their_own(self, desk: Desk) -> None:
        sent = event("availability", low(desk))
        desk.send(sent)
        assert desk.send({**sent, "source": "/other"}).kind is Kind.ACCEPTED
        assert desk.intake.name(desk.partner_id, "/a", "b") != desk.intake.name(uuid7(), "/a", "b")

    def test_a_crash_after_the_facts_were_written_repeats_nothing(self, desk: Desk) -> None:
        class Forgetful(MemoryQuarantine):
            def take(self, *_: Any) -> None:
                raise UnavailableError

        order_id = desk.order(desk.product())
        sent = event("shipment", {"order_id": str(order_id), "shipment": "A"})
        world = desk.world
        crashing = Intake(world.here, world.vault, MemoryTold(world), Forgetful(), clock=lambda: world.now)
        with pytest.raises(UnavailableError):
            crashing.take(desk.arrival(sent))
        assert desk.send(sent).kind is Kind.REPEATED
        assert desk.types(order_id).count("order.shipped") == 1

    def test_a_crash_between_the_commands_of_an_event_leaves_the_rest_for_the_next_time(self) -> None:
        desk = Desk()
        desk.agree(accepting("lead", scope="all"))
        sent = event("lead", {"name": "Ana", "need": "tiles"})
        world, ledger = desk.world, desk.world.ledger
        left = [1]

        def crash() -> None:
            if not left:
                raise KeyMissingError
            left.pop()
            ledger.before_append = crash

        ledger.before_append = crash
        with pytest.raises(KeyMissingError):
            desk.send(sent)
        ledger.before_append = None
        assert desk.held == []
        assert desk.send(sent).kind is Kind.ACCEPTED
        assert desk.send(sent).kind is Kind.REPEATED
        types = [one.type for one in world.ledger.read(0, 100)][-2:]
        assert types == ["crm.customer.registered.v1", "crm.customer.need_noted.v1"]


class TestInForce:
    @pytest.mark.parametrize(
        ("commands", "match"),
        [
            (["agreement.suspend"], "suspended"),
            (["agreement.revoke"], "revoked"),
            (["partner.remove"], "removed"),
        ],
    )
    def test_nothing_is_taken_under_what_does_not_hold(self, desk: Desk, commands: list[str], match: str) -> None:
        sent = event("availability", low(desk))
        for name in commands:
            ids = {"partner_id": desk.partner_id} if name.startswith("partner") else {"agreement_id": desk.agreement_id}
            desk.world.do(name, **ids)
        verdict = desk.send(sent)
        assert isinstance(verdict.error, NotInForceError)
        assert match in desk.held[0].reason

    def test_what_is_taken_once_stays_so_when_the_agreement_ends(self, desk: Desk) -> None:
        sent = event("availability", low(desk))
        desk.send(sent)
        desk.world.do("agreement.revoke", agreement_id=desk.agreement_id)
        assert desk.send(sent).kind is Kind.REPEATED

    @pytest.mark.parametrize(
        "period",
        [
            {"valid_from": (NOW + timedelta(days=1)).isoformat()},
            {"valid_from": "2026-01-01T00:00:00Z", "valid_until": NOW.isoformat()},
        ],
    )
    def test_nothing_is_taken_outside_its_validity(self, period: dict[str, str]) -> None:
        desk = Desk()
        desk.agree(accepting("availability", **period))
        assert isinstance(desk.send(event("availability", low(desk))).error, NotInForceError)

    def test_a_draft_and_an_agreement_that_accepts_nothing_take_nothing(self) -> None:
        draft, silent = Desk(), Desk()
        draft.agree(accepting("availability"), active=False)
        silent.agree(accepting())
        for desk in (draft, silent):
            assert desk.send(event("availability", low(desk))).kind is Kind.REFUSED

    def test_an_agreement_of_another_partners_is_not_there(self, desk: Desk) -> None:
        arrival = desk.arrival(event("availability", low(desk)))
        verdict = desk.intake.take(arrival._replace(partner_id=uuid7()))
        assert isinstance(verdict.error, UnknownError)


class TestHeld:
    def test_a_refused_event_is_held_sealed_under_a_key_of_its_own(self, desk: Desk) -> None:
        unfit = event("shipment", {"order_id": str(uuid7()), "shipment": "Ana Lima's"}, "ana@example.org")
        verdict = desk.send(unfit)
        (held,) = desk.held
        assert (held.id, held.code, held.type) == (verdict.held_id, "unknown", "partner.shipment.v1")
        assert "ana@" not in str(held)
        (whole,) = desk.world.vault.open([held.event] if held.event else [])
        assert whole == unfit
        other = desk.send(event("shipment", {"order_id": str(uuid7()), "shipment": "B"}, "2"))
        assert other.held_id is not None
        second = desk.quarantine.find(other.held_id)
        assert second is not None
        assert second.owner != held.owner

    def test_sent_again_it_is_tried_again_and_counted(self, desk: Desk) -> None:
        order_id, product_id = uuid7(), desk.product()
        sent = event("shipment", {"order_id": str(order_id), "shipment": "A"})
        assert {desk.send(sent).held_id for _ in range(3)} == {desk.held[0].id}
        assert desk.held[0].attempts == 3
        line = {"product_id": product_id, "quantity": 1, "amount_minor": 100}
        desk.world.do("order.place", order_id=order_id, number="1", currency="EUR", lines=[line])
        assert desk.send(sent).kind is Kind.ACCEPTED
        (settled,) = desk.quarantine.read(limit=10)
        assert (settled.state, settled.event, settled.decided_by) == (State.ACCEPTED, None, str(desk.partner_id))

    @pytest.mark.parametrize("content", [None, [], "x", 7, {}, {"id": 1}, {"id": "1", "source": "/erp"}])
    def test_what_is_no_event_is_held_too_once_for_each(self, desk: Desk, content: Any) -> None:
        first, again = desk.send(content), desk.send(content)
        assert isinstance(first.error, EventFormError)
        assert first.held_id == again.held_id
        assert len(desk.held) == 1

    def test_of_one_that_is_too_large_all_but_the_data_is_held(self, desk: Desk) -> None:
        desk.send(event("availability", {"x": "y" * LARGEST_KEPT}))
        (held,) = desk.held
        (kept,) = desk.world.vault.open([held.event] if held.event else [])
        assert kept == {name: part for name, part in event("availability", None).items() if name != "data"}

    def test_where_there_is_no_room_it_says_so_and_takes_what_is_right(self) -> None:
        desk = Desk(quarantine=MemoryQuarantine(most=1))
        desk.agree(accepting("availability"))
        desk.send({})
        with pytest.raises(QuarantineFullError):
            desk.send({"id": "2"})
        assert desk.send(event("availability", low(desk))).kind is Kind.ACCEPTED

    def test_the_partner_sees_which_and_why_and_an_administrator_what_is_in_it(self, desk: Desk) -> None:
        sent = event("shipment", {"order_id": str(uuid7()), "shipment": "A"})
        desk.send(sent)
        opening = lambda things: [_opened(desk.world, one) for one in things]  # noqa: E731 in a word
        (told,) = tell_to_partner(desk.held, opening)
        assert told["event"] == {"source": "/erp", "id": "1"}
        assert (told["state"], told["attempts"]) == ("held", 1)
        assert {"owner", "fingerprint", "partner_id", "decided_by"}.isdisjoint(told)
        assert tell_names(desk.held, opening)[0]["agreement_id"] == desk.agreement_id
        assert tell_whole(desk.held[0], opening)["event"] == sent


def _opened(world: World, told: Any) -> Any:
    return {**told, "event": world.open(told["event"])}


class TestMended:
    def test_other_data_are_held_and_taken_as_the_event_that_the_partner_sent(self, desk: Desk) -> None:
        product_id = desk.product()
        sent = event("availability", {"product_id": str(product_id), "level": "plenty"})
        held_id = desk.send(sent).held_id
        assert held_id is not None
        assert desk.mending.replay(held_id, "carla").kind is Kind.REFUSED
        right = {"product_id": str(product_id), "level": "in_stock"}
        desk.mending.mend(held_id, "carla", data=right, event=None)
        assert desk.mending.replay(held_id, "dora").kind is Kind.ACCEPTED
        settled = desk.mending.find(held_id)
        assert (settled.state, settled.mended_by, settled.decided_by) == (State.ACCEPTED, "carla", "dora")
        assert desk.world.newest(product_id).actor == "carla"
        assert desk.send(sent).kind is Kind.REPEATED

    def test_an_unmended_one_is_taken_as_the_partners_word(self, desk: Desk) -> None:
        desk.world.do("agreement.suspend", agreement_id=desk.agreement_id)
        data = low(desk)
        held_id = desk.send(event("availability", data)).held_id
        assert held_id is not None
        desk.world.do("agreement.resume", agreement_id=desk.agreement_id)
        assert desk.mending.replay(held_id, "carla").kind is Kind.ACCEPTED
        (stream,) = {one.stream_id for one in desk.world.ledger.read(0, 100) if "availability" in one.type}
        assert desk.world.newest(stream).actor == str(desk.partner_id)

    def test_what_was_no_event_is_written_anew_as_one(self, desk: Desk) -> None:
        held_id = desk.send({"unreadable": "AAAA"}).held_id
        assert held_id is not None
        desk.mending.mend(held_id, "carla", data=None, event=event("availability", low(desk)))
        assert desk.mending.replay(held_id, "carla").kind is Kind.ACCEPTED
        assert desk.held == []

    def test_what_is_settled_or_was_never_held_is_neither_mended_nor_replayed(self, desk: Desk) -> None:
        held_id = desk.send({}).held_id
        assert held_id is not None
        desk.mending.discard(held_id, "carla")
        assert desk.mending.find(held_id).state is State.DISCARDED
        for do in (
            lambda: desk.mending.replay(held_id, "carla"),
            lambda: desk.mending.discard(held_id, "carla"),
            lambda: desk.mending.mend(held_id, "carla", data={}, event=None),
        ):
            with pytest.raises(NotHeldError):
                do()
        with pytest.raises(UnknownError):
            desk.mending.replay(uuid7(), "carla")

    def test_a_discarded_one_that_comes_again_is_held_again(self, desk: Desk) -> None:
        held_id = desk.send({}).held_id
        assert held_id is not None
        desk.mending.discard(held_id, "carla")
        assert desk.send({}).held_id == held_id
        assert desk.held[0].event is not None


class TestSwept:
    def test_what_is_old_goes_with_its_key_and_what_comes_again_is_held_anew(self, desk: Desk) -> None:
        desk.send({})
        (held,) = desk.held
        world, vault = desk.world, desk.world.vault
        sweeper = Sweeper(desk.quarantine, vault, kept=timedelta(days=30), clock=lambda: world.now)
        assert sweeper.run_once() == 0
        world.now += timedelta(days=31)
        assert sweeper.run_once() == 1
        assert desk.held == []
        assert vault.open([held.event] if held.event else []) == [ERASED]
        desk.send({})
        assert vault.open([one.event for one in desk.held if one.event]) == [{}]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(UnknownError(product_id=7), "Nothing is known under this id: product id 7.", id="its own words"),
        pytest.param(UnknownError("no such line", product_id=7), "no such line: product id 7", id="other words"),
        pytest.param(UnknownError("no line of 7"), "no line of 7", id="nothing named"),
    ],
)
def test_a_reason_names_what_it_is_about_once(error: RefusedError, text: str) -> None:
    assert reason_of(error) == text
