"""A partner of the demonstration: what it sends fits what it was told, and its digest tells no installation's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.ids import uuid7
from adapters.simulation.agreed import topic_name
from adapters.simulation.answers import NothingOpenError, answers_of, batch_of
from adapters.simulation.company import DISTRIBUTORS, SUPPLIERS
from adapters.simulation.digest import digest_events
from domain.agreement.terms import INBOUND
from streams.feeds.disclosing import TOMBSTONE
from streams.feeds.topics import NAME

AT = datetime(2025, 12, 31, 23, tzinfo=UTC)


def told(kind: str, stream: str, /, **data: Any) -> dict[str, Any]:
    return {"type": f"crm.order.{kind}.v1", "stream": stream, "data": data}


def placed(stream: str, kind: str = "sale", *, anonymous: bool = False) -> dict[str, Any]:
    lines = [{"product_id": f"product of {stream}", "quantity": 2}]
    return told("placed", stream, number=stream, kind=kind, anonymous=anonymous, lines=lines)


def sent(*events: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(batch_of(events, uuid7(), AT)["content"])
    return found


def test_it_ships_the_last_order_that_is_still_to_be_shipped() -> None:
    _, shipment, _ = sent(
        placed("1"), placed("2"), placed("3"), placed("4"), placed("5", anonymous=True), placed("6", "return"),
        told("shipped", "3"), told("cancelled", "4"),
    )  # fmt: skip
    assert shipment["data"]["order_id"] == "2"
    assert shipment["data"]["lines"] == [{"product_id": "product of 2", "quantity": 2}]


def test_it_sends_what_agreements_know_each_under_a_name_of_its_own() -> None:
    events = sent(placed("1"))
    assert {event["type"] for event in events} <= INBOUND.keys()
    assert len({event["id"] for event in events}) == len(events)


def test_where_all_was_shipped_it_says_that_another_seed_may_do() -> None:
    with pytest.raises(NothingOpenError, match="--seed"):
        batch_of([placed("1"), told("shipped", "1")], uuid7(), AT)


def test_an_answer_has_the_reason_why_it_was_refused() -> None:
    refused = {"verdict": "refused", "detail": "not yours"}
    first = {"verdicts": [{"verdict": "accepted"}, {"verdict": "accepted"}, refused]}
    again = {"verdicts": [{"verdict": "repeated"}, {"verdict": "repeated"}, refused]}
    found = [one[1:] for one in answers_of(first, again)]
    assert found == [("accepted", "repeated", "")] * 2 + [("refused", "refused", "not yours")]


@pytest.mark.parametrize("name", [*SUPPLIERS, *DISTRIBUTORS, "Despensa do Avesso & Sobrinhas", "Ã" * 99, "a-" * 30])
def test_every_partner_has_a_name_that_a_topic_may_bear(name: str) -> None:
    assert NAME.fullmatch(topic_name(name))


FACT = {"feedseq": 1, "type": "crm.order.placed.v1", "agreementversion": 1, "subject": "a", "stream": "b",
        "time": "2025-01-01T00:00:00Z", "recordedtime": "now", "data": {"number": "1"}}  # fmt: skip
FORGET = {"feedseq": 2, "type": TOMBSTONE, "agreementversion": 1, "time": "now", "data": {"through": 1, "subject": "a"}}


@pytest.mark.parametrize(
    ("event", "other", "is_same"),
    [
        (FACT, {"subject": "x", "stream": "y", "recordedtime": "later"}, True),
        (FORGET, {"time": "later", "data": {"through": 1, "subject": "x"}}, True),
        (FACT, {"time": "2025-01-02T00:00:00Z"}, False),
        (FACT, {"data": {"number": "2"}}, False),
        (FACT, {"feedseq": 2}, False),
        (FORGET, {"data": {"through": 0, "subject": "a"}}, False),
    ],
)
def test_a_digest_is_of_what_happened_not_of_where_or_when_it_was_recorded(
    event: dict[str, Any], other: dict[str, Any], *, is_same: bool
) -> None:
    assert (digest_events([event]) == digest_events([event | other])) is is_same
