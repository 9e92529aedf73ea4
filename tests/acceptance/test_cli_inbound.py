"""A partner writes back; what was refused is looked at, mended, replayed and discarded on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.program import Relato, one
from tests.acceptance.test_api import address_of, caller_of
from tests.sending import accepting, event

SENT = {"Content-Type": "application/cloudevents+json"}


def listed(relato: Relato, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in relato.tell("inbound", "list", *arguments, "--json").splitlines()]


@pytest.mark.capability("C64")
def test_what_a_partner_sends_is_taken_and_what_does_not_fit_is_mended_by_hand(quick: Relato) -> None:
    with quick.up():
        supplier = quick.make("partner.register", name="Luz", kind="supplier")
        lamp = quick.make("product.register", name="Lamp", supplier_id=supplier)
        agreement = quick.make("agreement.draft", partner_id=supplier, terms=accepting("availability"))
        quick.do("agreement.activate", agreement_id=agreement)
        key = quick.tell("key", "issue", "--role", "partner", "--acts-as", supplier).strip()
        path = f"/v1/feeds/{agreement}/inbound"

        def send(id_: str, **data: Any) -> dict[str, Any]:
            body = event("availability", {"product_id": lamp, **data}, id_)
            return dict(caller.post(path, json=body, headers=SENT).json())

        with caller_of(address_of(quick), key) as caller:
            assert [send("1", level="low")["verdict"] for _ in range(2)] == ["accepted", "repeated"]
            wrong, unwanted = send("2", level="plenty"), send("3", level="none")
            assert wrong["detail"].startswith("The data do not fit")
            assert {row["event"]["id"] for row in listed(quick)} == {"2", "3"}
            assert "2 events of partners were refused" in quick.tell("status")
            assert json.loads(quick.tell("inbound", "show", wrong["held"]))["event"]["data"]["level"] == "plenty"
            assert quick("inbound", "replay", wrong["held"]).status == 1
            assert quick("inbound", "mend", wrong["held"]).status == 2
            assert quick("inbound", "mend", wrong["held"], "--data", "{").status == 2
            right = json.dumps({"product_id": lamp, "level": "in_stock"})
            quick.tell("inbound", "mend", wrong["held"], "--data", right)
            assert quick.tell("inbound", "replay", wrong["held"]).strip() == "accepted"
            quick.tell("inbound", "discard", unwanted["held"])
            assert quick("inbound", "discard", unwanted["held"]).status == 1
            assert one(listed(quick, "--state", "discarded"))["decided_by"] == "operator"
            both = quick("inbound", "discard", unwanted["held"], send("4", level="none")["held"])
            assert (both.status, both.out.count("discarded")) == (1, 1)
            assert f"{unwanted['held']} The event is not held any more" in both.err
            assert listed(quick) == []
            states = {row["event"]["id"]: row["state"] for row in caller.get(path).json()["refused"]}
            assert states == {"2": "accepted", "3": "discarded", "4": "discarded"}
        assert quick("--role", "sales", "inbound", "list").status == 1
