"""A partner's feed as its users see it: previewed, activated, followed, narrowed, revoked."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.acceptance.program import Relato, one

capability = pytest.mark.capability
PATIENCE_S = 60.0
ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines.product_id", "lines.quantity"]}
TERMS = {"purpose": "to deliver", "shows": [ORDERS], "scope": "supplier", "row_filter": "fact.country == 'PT'"}


@contextmanager
def acting(relato: Relato) -> Iterator[None]:
    """The actors run meanwhile, in a process of their own."""
    log = (relato.folder / "actors.log").open("w")
    process = subprocess.Popen(
        relato.command("run", "actors"), stdout=log, stderr=log, cwd=relato.folder, env=relato.environment
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        log.close()


def told(relato: Relato, *arguments: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in relato.tell(*arguments, "--json").splitlines()]


def await_told(relato: Relato, partner: str, count: int) -> list[dict[str, Any]]:
    """What the partner reads of its feeds, once there is so much."""
    deadline = time.monotonic() + PATIENCE_S
    as_partner = ("--role", "partner", "--as", partner)
    while len(events := told(relato, *as_partner, "tail", "--partner", partner, "--from", 1)) < count:
        assert time.monotonic() < deadline, (relato.folder / "actors.log").read_text()
        time.sleep(0.2)
    return events


@capability("C64")
def test_a_supplier_is_told_of_its_products_orders_and_of_nothing_else(relato: Relato) -> None:
    supplier, other = (relato.make("partner.register", name=name, kind="supplier") for name in ("Luz", "Sol"))
    lamp, sun = (relato.make("product.register", name="Lamp", supplier_id=one_) for one_ in (supplier, other))
    customer = relato.make("customer.register", name="Ana Souza", country="PT")
    agreement = relato.make("agreement.draft", partner_id=supplier, terms=TERMS)

    def order(number: str, product: str, country: str = "PT") -> None:
        lines = [{"product_id": product, "quantity": 2, "amount_minor": 3998}]
        given = {"customer_id": customer, "number": number, "currency": "EUR", "lines": lines, "country": country}
        relato.make("order.place", **given)

    order("A-1", lamp)
    order("A-2", sun)
    order("A-3", lamp, "ES")
    event = one(told(relato, "feed", "preview", agreement, "--from", "2026-01-01"))
    assert event["data"] == {"number": "A-1", "lines": [{"product_id": lamp, "quantity": 2}]}
    assert told(relato, "feed", "preview", agreement, "--until", "2026-01-01") == []
    assert relato("feed", "preview", agreement, "--from", "yesterday").status == 2
    assert relato("--role", "partner", "--as", supplier, "feed", "preview", agreement).status == 1

    relato.do("agreement.activate", agreement_id=agreement)
    with acting(relato):
        order("A-4", lamp)
        order("A-5", sun)
        event = one(await_told(relato, supplier, 1))
        assert event["data"]["number"] == "A-4"
        assert customer not in json.dumps(event)
        assert relato("--role", "partner", "--as", other, "tail", "--partner", supplier, "--from", "1").status == 1
        row = one(told(relato, "feed", "list"))
        assert (row["partner_name"], row["state"], row["entries"], row["unfit"]) == ("Luz", "active", 1, 0)

        relato.do("agreement.amend", agreement_id=agreement, terms={**TERMS, "shows": [{**ORDERS, "fields": []}]})
        relato.do("agreement.activate", agreement_id=agreement)
        shown, tombstone, changed = await_told(relato, supplier, 3)
        assert (shown["data"], changed["data"]["version"]) == ({}, 2)
        assert tombstone["data"] == {"reason": "narrowed", "through": 1, "types": ["crm.order.placed.v1"]}
        relato.do("agreement.revoke", agreement_id=agreement, reason="over")
        ended = await_told(relato, supplier, 2)
        assert [event["data"]["reason"] for event in ended] == ["narrowed", "revoked"]
        row = one(told(relato, "feed", "list"))
        assert (row["feed_state"], row["acknowledged"]) == ("ending", 0)
        assert [one_["acknowledged_at"] for one_ in told(relato, "feed", "tombstones")] == [None, None]
    assert relato.status()["feeds"] is not None


def test_an_auditor_finds_what_partners_were_told_of_an_erasure_under_any_id_of_the_customer(relato: Relato) -> None:
    distributor = relato.make("partner.register", name="Norte", kind="distributor")
    terms = {"purpose": "to deliver", "shows": [{**ORDERS, "fields": ["number"]}], "scope": "all"}
    agreement = relato.make("agreement.draft", partner_id=distributor, terms=terms)
    relato.do("agreement.activate", agreement_id=agreement)
    customer = relato.make("customer.register", name="Rui")
    lines = [{"product_id": relato.make("product.register", name="Jar"), "quantity": 1, "amount_minor": 100}]
    with acting(relato):
        order = relato.make("order.place", number="B-1", currency="EUR", lines=lines)
        relato.do("order.identify_customer", order_id=order, customer_id=customer)
        await_told(relato, distributor, 1)
        relato.do("customer.erase", customer_id=customer)
        await_told(relato, distributor, 2)
    row = one(told(relato, "--role", "auditor", "feed", "tombstones", "--customer", customer))
    assert (row["partner_name"], row["reason"], row["acknowledged_at"]) == ("Norte", "erased", None)
    assert relato("--role", "sales", "feed", "tombstones").status == 1


def test_terms_that_cannot_be_kept_are_refused_in_one_line(relato: Relato) -> None:
    partner = relato.make("partner.register", name="Norte", kind="distributor")
    wrong = {
        "Syntax error": {**TERMS, "row_filter": "fact.country =="},
        "no such field": {**TERMS, "shows": [{**ORDERS, "fields": ["secret"]}]},
        "names what there is not: country": {**TERMS, "row_filter": "country == 'PT'"},
    }
    for reason, terms in wrong.items():
        said = relato("do", "agreement.draft", "--partner-id", partner, "--terms", json.dumps(terms))
        assert (said.status, said.err.count("\n")) == (1, 1), said
        assert reason in said.err


def test_who_looks_at_a_feed_is_told_why_there_is_nothing(relato: Relato) -> None:
    partner = relato.make("partner.register", name="Mar", kind="supplier")
    assert "no agreement with such a partner" in relato("tail", "--partner", partner, "--from", "1").err
    agreement = relato.make("agreement.draft", partner_id=partner, terms=TERMS)
    assert "no agreement with such a partner" in relato("tail", "--partner", agreement, "--sandbox").err
    relato.do("agreement.activate", agreement_id=agreement)
    relato.do("agreement.suspend", agreement_id=agreement)
    looked = relato("tail", "--partner", partner, "--from", "1")
    assert (looked.status, looked.out) == (0, "")
    assert f"{agreement}, which is suspended" in looked.err
    backwards = relato("feed", "preview", agreement, "--from", "2026-02-01", "--until", "2026-01-01")
    assert "it would end before it begins" in backwards.err


def test_a_preview_says_how_much_nobody_has_consented_to(relato: Relato) -> None:
    supplier = relato.make("partner.register", name="Sol", kind="supplier")
    consent = {"channel": "partner_sharing", "purpose": "service"}
    terms = {"purpose": "to deliver", "scope": "all", "consent": consent,
             "shows": [{"type": "crm.customer.registered.v1", "fields": ["country"]}]}  # fmt: skip
    agreement = relato.make("agreement.draft", partner_id=supplier, terms=terms)
    relato.make("customer.register", name="Ana", country="PT")
    said = relato("feed", "preview", agreement)
    assert (said.status, said.out) == (0, "")
    assert "facts more are of customers without the consent that the agreement needs" in said.err
