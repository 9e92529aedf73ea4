"""What was told is deleted, and said to be: an erasure is acknowledged, and the feed of a removed partner ends."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from tests.acceptance.program import Relato, one
from tests.acceptance.test_api import address_of, caller_of

capability = pytest.mark.capability
PATIENCE_S = 60.0
TERMS = {"purpose": "to deliver", "shows": [{"type": "crm.order.placed.v1", "fields": ["number"]}], "scope": "supplier"}


def await_status(caller: httpx.Client, path: str, status: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while caller.get(path).status_code != status:
        assert time.monotonic() < deadline, caller.get(path).text
        time.sleep(0.2)


def await_last(caller: httpx.Client, path: str, reason: str | None) -> dict[str, Any]:
    """The feed's last event, once that has this reason."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        events: list[dict[str, Any]] = caller.get(path, params={"wait": 1}).json().get("events", [])
        if events and events[-1]["data"].get("reason") == reason:
            return events[-1]
        assert time.monotonic() < deadline, events
        time.sleep(0.2)


@capability("C64")
def test_an_erasure_is_acknowledged_and_a_removed_partner_is_shut_out(quick: Relato) -> None:
    with quick.up():
        supplier = quick.make("partner.register", name="Luz", kind="supplier")
        lamp = quick.make("product.register", name="Lamp", supplier_id=supplier)
        customer = quick.make("customer.register", name="Ana Souza")
        agreement = quick.make("agreement.draft", partner_id=supplier, terms=TERMS)
        quick.do("agreement.activate", agreement_id=agreement)
        key = quick.tell("key", "issue", "--role", "partner", "--acts-as", supplier).strip()
        mistaken = quick("key", "issue", "--role", "partner", "--acts-as", agreement)
        assert mistaken.err.endswith(f"partner {agreement}.\n")
        lines = [{"product_id": lamp, "quantity": 1, "amount_minor": 100}]
        quick.make("order.place", customer_id=customer, number="A-1", currency="EUR", lines=lines)
        feed = f"/v1/feeds/{agreement}"
        with caller_of(address_of(quick), key) as caller:
            await_last(caller, feed, None)
            quick.do("customer.erase", customer_id=customer)
            erased = await_last(caller, feed, "erased")
            told = {"through": erased["feedseq"]}
            assert caller.post(f"{feed}/acknowledged", json=told).json() == {"acknowledged": erased["feedseq"]}
            found = quick.tell("--role", "auditor", "feed", "tombstones", "--customer", customer, "--json")
            row = one([json.loads(line) for line in found.splitlines()])
            assert (row["partner_name"], row["acknowledged_by"], row["reason"]) == ("Luz", supplier, "erased")
            assert row["told_at"] <= row["acknowledged_at"]
            assert quick.tell("--role", "auditor", "feed", "tombstones", "--open", "--json") == ""
            assert quick("--role", "partner", "--as", supplier, "feed", "tombstones").status == 1

            quick.do("partner.remove", partner_id=supplier)
            ended = await_last(caller, feed, "revoked")
            await_status(caller, "/v1/partners/products", 403)
            assert one(quick.rows("agreements"))["feed_state"] == "ending"  # what the status tells is folded then
            assert "feed ends   Luz" in quick.tell("status")
            assert "was removed" in quick("key", "issue", "--role", "partner", "--acts-as", supplier).err
            assert caller.post(f"{feed}/acknowledged", json={"through": ended["feedseq"]}).status_code == 200
            await_status(caller, feed, 401)
        row = one([json.loads(line) for line in quick.tell("feed", "list", "--json").splitlines()])
        assert (row["feed_state"], row["closing"], row["acknowledged"]) == ("closed", "acknowledged", ended["feedseq"])
