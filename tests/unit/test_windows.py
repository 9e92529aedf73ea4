"""Live windows: facts go in, alerts and rows come out, whatever comes twice, late or in another order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic_core import from_json

from adapters.ids import uuid7
from domain.event import Origin
from streams.envelope import MalformedRecordError
from streams.shares import Share
from streams.topics import SHARE_PARTITIONS
from streams.windows.alerts import ComplaintsBurst, Raised, SlaAtRisk, decode_alert, encode_alert
from streams.windows.live import LONG_AGO, Live, Reach, Screen
from streams.windows.rules import Rules

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = Rules(complaints=3)
ANA, RUI, JUG = (str(uuid7()) for _ in range(3))


class Facts:
    """Facts as a department's topic tells them, in the ledger's order."""

    def __init__(self) -> None:
        self._position = 0
        self._previous: dict[int, int] = {}

    def tell(
        self, type_: str, after: timedelta, stream: UUID, *, origin: Origin = Origin.COMMAND, **content: Any
    ) -> Share:
        self._position += 1
        partition = stream.int % SHARE_PARTITIONS
        previous, self._previous[partition] = self._previous.get(partition, 0), self._position
        (one, two, three), at = (uuid7() for _ in range(3)), NOON + after
        named = (partition, self._position, previous, uuid7(), f"crm.{type_}.v1", stream, stream, 1, 1)
        return Share(*named, one, two, three, at, at, "x", origin, content)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def taken(live: Live, department: str, shares: Iterable[Share], now: datetime) -> list[Raised]:
    return [one for share in shares for one in live.take(department, share, now)]


def tick(live: Live, now: datetime) -> Sequence[Raised]:
    """When all facts have come."""
    return live.tick(now, dict.fromkeys(live.types, now))


def rows(live: Live, name: str, now: datetime) -> Sequence[Mapping[str, Any]]:
    return [row for window in live.windows if window.name == name for row in window.rows(now)]


# Sellers


def test_a_sellers_last_hour_is_counted_by_what_they_did() -> None:
    facts, live, deal, other = Facts(), Live(RULES), uuid7(), uuid7()
    shares = [
        facts.tell("interaction.logged", minutes(0), uuid7(), employee_id=ANA),
        facts.tell("opportunity.opened", minutes(10), deal, seller_id=ANA),
        facts.tell("opportunity.moved", minutes(20), deal, stage="proposal"),
        facts.tell("opportunity.amended", minutes(30), deal, seller_id=RUI),
        facts.tell("opportunity.won", minutes(40), deal),
        facts.tell("opportunity.won", minutes(50), other),  # nobody said whose it is
    ]
    assert taken(live, "sales", shares, NOON) == []
    nothing = dict.fromkeys(("interactions", "opened", "moved", "won"), 0)
    assert rows(live, "activity", NOON + minutes(59)) == [
        {"seller_id": ANA, **nothing, "interactions": 1, "opened": 1, "moved": 1, "last_at": NOON + minutes(20)},
        {"seller_id": RUI, **nothing, "won": 1, "last_at": NOON + minutes(40)},
    ]
    [left] = rows(live, "activity", NOON + minutes(81))
    assert left["seller_id"] == RUI
    tick(live, NOON + hours(3))
    assert rows(live, "activity", NOON) == []


def test_a_fact_that_comes_twice_counts_once() -> None:
    facts, live = Facts(), Live(RULES)
    shares = [facts.tell("interaction.logged", minutes(n), uuid7(), employee_id=ANA) for n in range(5)]
    taken(live, "sales", [*shares, *shares[2:], *shares], NOON)
    [row] = rows(live, "activity", NOON + minutes(5))
    assert row["interactions"] == 5


def test_an_imported_deal_is_no_activity_but_its_seller_is_known() -> None:
    facts, live, deal = Facts(), Live(RULES), uuid7()
    shares = [
        facts.tell("opportunity.opened", minutes(0), deal, seller_id=ANA, origin=Origin.IMPORT),
        facts.tell("opportunity.moved", minutes(1), deal, stage="proposal"),
    ]
    taken(live, "sales", shares, NOON)
    [row] = rows(live, "activity", NOON + minutes(2))
    assert (row["seller_id"], row["opened"], row["moved"]) == (ANA, 0, 1)


# SLA


def test_a_ticket_is_at_risk_when_most_of_its_time_is_spent_and_leaves_when_it_is_resolved() -> None:
    facts, live, ticket = Facts(), Live(RULES), uuid7()
    opened = facts.tell("ticket.opened", minutes(0), ticket, priority="urgent", category="delivery")
    assert taken(live, "support", [opened], NOON) == []
    assert tick(live, NOON + hours(3.2)) == []  # facts may still be on their way
    [alert] = tick(live, NOON + hours(3.2) + timedelta(seconds=2))
    assert (alert.subject_id, alert.at) == (ticket, NOON + hours(3.2))
    assert alert.alert == SlaAtRisk(
        ticket_id=ticket, priority="urgent", category="delivery", opened_at=NOON, due_at=NOON + hours(4)
    )
    assert tick(live, NOON + hours(5)) == []
    [row] = rows(live, "sla-at-risk", NOON + hours(5))
    assert (row["ticket_id"], row["due_at"]) == (ticket, NOON + hours(4))
    taken(live, "support", [facts.tell("ticket.resolved", hours(6), ticket)], NOON + hours(6))
    assert rows(live, "sla-at-risk", NOON + hours(7)) == []


def test_no_time_runs_while_a_ticket_waits_for_others() -> None:
    facts, live, ticket = Facts(), Live(RULES), uuid7()
    shares = [
        facts.tell("ticket.opened", minutes(0), ticket, priority="urgent"),
        facts.tell("ticket.waiting", hours(1), ticket),
        facts.tell("ticket.noted", hours(2), ticket),
        facts.tell("ticket.work_started", hours(11), ticket, agent_id=ANA),
    ]
    assert taken(live, "support", shares, NOON + hours(11)) == []
    assert tick(live, NOON + hours(13)) == []
    [alert] = tick(live, NOON + hours(14))
    assert alert.at == NOON + hours(13.2)
    assert isinstance(alert.alert, SlaAtRisk)
    assert (alert.alert.due_at, str(alert.alert.agent_id)) == (NOON + hours(14), ANA)


def test_what_was_resolved_in_time_sets_nothing_off_though_it_is_read_late() -> None:
    facts, live, ticket = Facts(), Live(RULES), uuid7()
    opened = facts.tell("ticket.opened", minutes(0), ticket, priority="urgent")
    resolved = facts.tell("ticket.resolved", hours(3), ticket)
    later = NOON + hours(9)
    assert taken(live, "support", [opened], later) == []
    assert live.tick(later, {"support": NOON + hours(1)}) == []
    assert taken(live, "support", [resolved], later) == []
    assert tick(live, later) == []


def test_what_was_resolved_too_late_is_told_though_nobody_looked_in_time() -> None:
    facts, live, ticket = Facts(), Live(RULES), uuid7()
    opened = facts.tell("ticket.opened", minutes(0), ticket, priority="urgent")
    resolved = facts.tell("ticket.resolved", hours(5), ticket)
    [alert] = taken(live, "support", [opened, resolved], NOON + hours(9))
    assert alert.at == NOON + hours(3.2)


def test_a_reopened_ticket_is_another_risk_and_an_imported_one_none_until_it_is_reopened() -> None:
    facts, live, ours, imported = Facts(), Live(RULES), uuid7(), uuid7()
    shares = [
        facts.tell("ticket.opened", minutes(0), ours, priority="urgent"),
        facts.tell("ticket.opened", minutes(0), imported, priority="urgent", origin=Origin.IMPORT),
    ]
    taken(live, "support", shares, NOON)
    [first] = tick(live, NOON + hours(4))
    again = [
        facts.tell("ticket.closed", hours(5), ours),
        facts.tell("ticket.reopened", hours(6), ours),
        facts.tell("ticket.reopened", hours(6), imported),
    ]
    assert taken(live, "support", again, NOON + hours(6)) == []
    second = tick(live, NOON + hours(10))
    assert {alert.subject_id for alert in second} == {ours, imported}
    assert first.id not in {alert.id for alert in second}


# Complaints


def complaints(facts: Facts, *at_minutes: float, product: str = JUG, **more: Any) -> list[Share]:
    content = {"category": "Complaint", "product_id": product} | more
    return [facts.tell("ticket.opened", minutes(at), uuid7(), **content) for at in at_minutes]


def test_many_complaints_of_one_product_are_a_burst_told_once_until_it_has_been_quiet() -> None:
    live, facts = Live(RULES), Facts()
    told = complaints(facts, 0, 4, 8, 12, 16, 40, 45, 49)
    assert taken(live, "support", told, NOON + hours(1)) == []
    first, second = tick(live, NOON + hours(1))
    assert (first.at, second.at) == (NOON + minutes(8), NOON + minutes(49))
    assert str(first.subject_id) == JUG
    ids = tuple(share.stream_id for share in told[:3])
    burst = ComplaintsBurst(product_id=JUG, complaints=3, since=NOON, ticket_ids=ids)
    assert first.alert == burst
    assert tick(live, NOON + hours(1)) == []


def test_few_others_or_imported_tickets_are_no_burst() -> None:
    live, facts = Live(RULES), Facts()
    shares = [
        *complaints(facts, 0, 5, 10),
        *complaints(facts, 20, 21, product=ANA),
        *complaints(facts, 20, 21, 22, category="how to"),
        *complaints(facts, 30, 31, 32, origin=Origin.IMPORT),
    ]
    assert taken(live, "support", shares, NOON) == []
    assert tick(live, NOON + hours(1)) == []


def test_the_complaints_of_the_last_minutes_are_shown() -> None:
    live, facts = Live(RULES), Facts()
    taken(live, "support", complaints(facts, 0, 1, 2), NOON)
    [row] = rows(live, "complaints", NOON + minutes(3))
    assert row == {"product_id": UUID(JUG), "complaints": 3, "since": NOON, "is_burst": True}
    assert rows(live, "complaints", NOON + minutes(13)) == []


# All of them


@pytest.mark.parametrize("seed", range(5))
def test_started_anew_in_whatever_order_the_partitions_come_the_same_alerts_arise(seed: int) -> None:
    draw, facts = random.Random(seed), Facts()
    shares = list[Share]()
    tickets = [uuid7() for _ in range(30)]
    for at, ticket in enumerate(tickets):
        content: dict[str, Any] = {"priority": "urgent", "category": "complaint", "product_id": draw.choice([JUG, ANA])}
        shares.append(facts.tell("ticket.opened", minutes(at * 3), ticket, **content))
    for ticket in draw.sample(tickets, 15):
        shares.append(facts.tell("ticket.resolved", hours(draw.choice([2, 4])), ticket))
    shares.sort(key=lambda share: (share.recorded_at, share.position))
    now = NOON + hours(6)
    once = Live(RULES)
    expected = {one.id for one in [*taken(once, "support", shares, now), *tick(once, now)]}
    assert len(expected) > 10

    again, found = Live(RULES), list[UUID]()
    queues = {p: [share for share in shares if share.partition == p] for p in range(SHARE_PARTITIONS)}
    while behind := [p for p, queue in queues.items() if queue]:
        part = draw.choice(behind)
        found += [one.id for one in taken(again, "support", [queues[part].pop(0)], now)]
        until = min((queue[0].recorded_at for queue in queues.values() if queue), default=now)
        found += [one.id for one in again.tick(now, {"support": until})]
    assert sorted(found) == sorted(expected)


def test_what_the_topic_has_is_not_told_again_nor_what_is_long_past() -> None:
    facts, ticket = Facts(), uuid7()
    opened = facts.tell("ticket.opened", minutes(0), ticket, priority="urgent")
    first = Live(RULES)
    taken(first, "support", [opened], NOON)
    [alert] = tick(first, NOON + hours(4))
    knowing, late, forgetful = Live(RULES, {alert.id: alert.at}), Live(RULES), Live(RULES)
    for live in (knowing, late, forgetful):
        taken(live, "support", [opened], NOON + hours(5))
    assert tick(knowing, NOON + hours(5)) == []
    assert tick(late, NOON + timedelta(days=2)) == []
    [repeat] = tick(forgetful, NOON + hours(5))
    assert repeat.id == alert.id


def test_rows_are_told_when_they_change_and_when_they_go() -> None:
    live, facts, screen = Live(RULES), Facts(), Screen({"activity/gone": b"{}", "complaints/kept": b"{}"})
    sellers = [window for window in live.windows if window.department == "sales"]
    taken(live, "sales", [facts.tell("interaction.logged", minutes(0), uuid7(), employee_id=ANA)], NOON)
    changed = screen.changes(sellers, NOON + minutes(1))
    assert changed.keys() == {f"activity/{ANA}", "activity/gone"}
    assert changed["activity/gone"] is None
    assert from_json(changed[f"activity/{ANA}"] or b"")["interactions"] == 1
    assert screen.changes(sellers, NOON + minutes(2)) == {}
    assert screen.changes(sellers, NOON + hours(2)) == {f"activity/{ANA}": None}
    [kept] = screen.changes([window for window in live.windows if window.name == "complaints"], NOON)
    assert kept == "complaints/kept"


def test_an_alert_is_read_back_as_it_was_written() -> None:
    live, facts = Live(RULES), Facts()
    taken(live, "support", complaints(facts, 0, 1, 2), NOON)
    [alert] = tick(live, NOON + hours(1))
    record = encode_alert(alert, "/relato/test")
    assert record.partition == UUID(JUG).int % 16
    told = decode_alert(0, 0, record.key, record.value, record.headers)
    assert (told.id, told.type, told.at, told.subject_id) == (alert.id, alert.alert.TYPE, alert.at, UUID(JUG))
    assert ComplaintsBurst.model_validate(told.content) == alert.alert
    assert told.departments == {"sales", "support"}
    with pytest.raises(MalformedRecordError):
        decode_alert(0, 0, None, b"{", record.headers)


def test_all_has_come_until_the_ends_were_where_has_been_read() -> None:
    reach = Reach()
    assert reach.look(NOON, {0: 5, 1: 7}, {0: 5, 1: 6}) == LONG_AGO
    assert reach.look(NOON + minutes(1), {0: 5, 1: 9}, {0: 5, 1: 7}) == NOON
    assert reach.look(NOON + minutes(2), {0: 5, 1: 99}, {0: 5, 1: 8}) == NOON
    assert reach.look(NOON + minutes(3), {0: 5, 1: 99}, {0: 5, 1: 9}) == NOON + minutes(1)
    assert reach.look(NOON + minutes(4), {0: 5, 1: 99}, {0: 5, 1: 99}) == NOON + minutes(4)
