"""Each capability of docs/capabilities.md that works, shown from the command to the read model, as its users see it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.program import Relato, one

ROOT = Path(__file__).parents[2]
capability = pytest.mark.capability
LAMP = {"quantity": 2, "amount_minor": 3998}


@pytest.fixture(scope="module")
def ana(relato: Relato) -> str:
    return relato.make("customer.register", name="Ana Souza", country="PT", source="fair")


@pytest.fixture(scope="module")
def supplier(relato: Relato) -> str:
    return relato.make("partner.register", name="Luz Ltda", kind="supplier")


@pytest.fixture(scope="module")
def lamp(relato: Relato, supplier: str) -> str:
    return relato.make("product.register", name="Lamp", price="19.99 EUR", supplier_id=supplier)


@pytest.fixture(scope="module")
def order(relato: Relato, ana: str, lamp: str) -> str:
    lines = [{"product_id": lamp, **LAMP}]
    return relato.make("order.place", customer_id=ana, number="A-1", currency="EUR", lines=lines, note="ring twice")


@capability("C01")
def test_contact_data_is_kept_for_the_customer_and_each_contact(relato: Relato, ana: str) -> None:
    relato.do("customer.add_contact_point", customer_id=ana, channel="email", value="ana@example.org")
    relato.do("customer.add_contact_point", customer_id=ana, channel="address", value="Rua Um 1, Porto", label="home")
    person = relato.make("customer.add_contact", customer_id=ana, name="Rui Souza", role="husband")
    relato.do("customer.add_contact_point", customer_id=ana, channel="telephone", value="+351 1", person_id=person)
    row = one(relato.rows("customers", customer_id=ana, role="marketing"))
    assert row["name"] == "Ana Souza"
    shown = str(row["contact_points"]) + str(row["contacts"])
    assert all(text in shown for text in ("ana@example.org", "Rua Um 1, Porto", "+351 1", "Rui Souza"))


@capability("C02")
def test_purchases_make_an_order_history(relato: Relato, ana: str, order: str) -> None:
    relato.do("order.ship", order_id=order, carrier="CTT", tracking="PT1")
    row = one(relato.rows("orders", order_id=order, role="sales"))
    assert (row["customer_id"], row["total_minor"], row["shipments"]) == (ana, 3998, 1)
    assert (row["customer_name"], row["note"]) == ("Ana Souza", "ring twice")


@capability("C03")
@capability("C32")
@capability("C33")
@capability("C35")
def test_every_communication_is_logged_with_its_content_whatever_the_channel(relato: Relato) -> None:
    customer = relato.make("customer.register", name="Bia Lima")
    said = {"telephone": "when?", "email": "the offer", "chat": "hello", "social": "nice", "website": "looked",
            "survey": "9 of 10", "checkout": "paid"}  # fmt: skip
    for channel, content in said.items():
        direction = "outbound" if channel == "email" else "inbound"
        relato.do("interaction.log", customer_id=customer, channel=channel, direction=direction, content=content)
    facts = [event["fact"] for event in relato.history(customer, role="support") if "channel" in event["fact"]]
    assert {fact["channel"]: fact["content"] for fact in facts} == said
    counted = one(relato.rows("interactions", customer_id=customer, role="marketing"))
    assert (counted["inbound"], counted["outbound"]) == (6, 1)


@capability("C05")
def test_knowledge_of_four_kinds_is_noted(relato: Relato) -> None:
    customer = relato.make("customer.register")
    for kind in ("factual", "conceptual", "procedural", "emotional"):
        relato.do("interaction.take_note", customer_id=customer, kind=kind, content=f"a {kind} note")
    rows = relato.rows("timeline", customer_id=customer, type="crm.interaction.note_taken.v1")
    assert [row["data"]["content"] for row in rows] == [f"a {row['data']['kind']} note" for row in rows]
    assert len(rows) == 4


@capability("C07")
@capability("C63")
def test_one_view_of_the_customer_brings_every_department_together(relato: Relato, ana: str, order: str) -> None:
    ticket = relato.make("ticket.open", customer_id=ana, summary="the lamp is dark")
    row = one(relato.rows("customers", customer_id=ana, role="marketing"))
    assert row["purchases"][0]["money_minor"] == 3998
    streams = {event["stream_id"] for event in relato.history(ana, role="support")}
    assert {ana, order, ticket} <= streams


@capability("C08")
def test_prospects_are_kept_with_what_they_need(relato: Relato) -> None:
    customer = relato.make("customer.register", name="Caio", source="web")
    relato.do("customer.note_need", customer_id=customer, need="lamps", note="for a hotel")
    row = one(relato.rows("prospects", customer_id=customer, role="marketing"))
    assert (row["name"], row["needs"]) == ("Caio", ["lamps"])
    assert one(relato.rows("prospects", name="Caio", role="marketing")) == row  # sealed, so compared when it is open
    assert one(relato.rows("prospects_by_need_and_source", need="lamps", source="web"))["prospects"] == 1


@capability("C10")
def test_a_company_defines_fields_of_its_own(relato: Relato, ana: str) -> None:
    loyal = relato.make("field.define", name="loyalty card", type="choice", choices='["gold", "blue"]', clear=True)
    relato.do("customer.set_field", customer_id=ana, field_id=loyal, clear="gold")
    shoe = relato.make("field.define", name="shoe size", type="number")
    relato.do("customer.set_field", customer_id=ana, field_id=shoe, value="38")
    shown = one(relato.rows("customers", customer_id=ana))["fields"]
    assert shown == [
        {"name": "loyalty card", "type": "choice", "value": "gold"},
        {"name": "shoe size", "type": "number", "value": 38},
    ]
    defined = one(relato.rows("fields", field_id=loyal))
    assert (defined["name"], defined["choices"], defined["clear"]) == ("loyalty card", ["gold", "blue"], True)
    assert relato("do", "customer.set_field", "--customer-id", ana, "--field-id", loyal, "--clear", "red").status == 1


@capability("C12")
@capability("C29")
def test_every_revision_of_a_contract_stays_on_the_record(relato: Relato, ana: str) -> None:
    contract = relato.make(
        "contract.sign", customer_id=ana, number="K-1", starts_on="2026-01-01", value="100.00 EUR", document="first"
    )
    relato.do("contract.amend", contract_id=contract, value="120.00 EUR", document="second")
    row = one(relato.rows("contracts", contract_id=contract, role="sales"))
    assert (row["revision"], row["value_minor"], row["document"]) == (2, 12_000, "second")
    drafts = [e["fact"]["document"] for e in relato.history(ana, role="sales") if e["stream_id"] == contract]
    assert drafts == ["first", "second"]


@capability("C13")
def test_every_interaction_is_traced_to_who_did_what_when(relato: Relato) -> None:
    customer = relato.make("customer.register", name="Duda")
    visit = relato.make("interaction.log", customer_id=customer, channel="visit", direction="inbound", content="came")
    relato.do("interaction.correct", interaction_id=visit, content="came twice")
    told = relato.history(customer)
    assert [(e["actor"], e["fact"].get("content")) for e in told[1:]] == [
        ("operator", "came"),
        ("operator", "came twice"),
    ]
    known_at = told[1]["recorded_at"]
    assert [e["fact"].get("content") for e in relato.history(customer, "--known-at", known_at)] == [None, "came"]


@capability("C14")
def test_the_sales_force_is_on_record(relato: Relato) -> None:
    team = relato.make("team.form", name="North", region="north")
    seller = relato.make("employee.hire", name="Eva Reis", role="seller", team_id=team)
    assert one(relato.rows("employees", employee_id=seller, role="sales"))["name"] == "Eva Reis"


@capability("C16")
def test_the_end_of_a_competitors_contract_is_our_chance(relato: Relato, ana: str) -> None:
    ends_on = date.today() + timedelta(days=30)  # noqa: DTZ011 the day of this machine is near enough
    relato.do("contract.note_competitor", customer_id=ana, competitor="Other", need="lamps", ends_on=ends_on)
    row = one(relato.rows("contracts_due", competitor="Other", role="sales"))
    assert (row["customer_name"], row["ends_on"]) == ("Ana Souza", ends_on.isoformat())
    assert 28 <= row["days_left"] <= 31


@capability("C21")
def test_what_is_collected_is_sealed_and_an_erased_person_cannot_be_read_anywhere(fresh: Relato) -> None:
    customer = fresh.make("customer.register", name="Fabiana Quitéria")
    files = [path for path in (fresh.home / "postgres").rglob("*") if path.is_file()]
    fresh.do("customer.erase", customer_id=customer)
    row = one(fresh.rows("customers", customer_id=customer))
    assert (row["name"], row["_erased"], row["erased"]) == (None, ["name"], True)
    assert "(erased)" in fresh.tell("history", customer)
    assert not any(b"Fabiana" in path.read_bytes() for path in files)
    assert fresh("do", "customer.amend", "--customer-id", customer, "--name", "Again").status == 1


@capability("C21")
def test_an_employee_is_erased_as_a_customer_is_and_the_figures_stay(relato: Relato) -> None:
    seller = relato.make("employee.hire", name="Quitério Leal", region="north")
    relato.do("employee.erase", employee_id=seller)
    row = one(relato.rows("employees", employee_id=seller))
    assert (row["name"], row["_erased"], row["erased"], row["region"]) == (None, ["name"], True, "north")
    assert relato("do", "employee.amend", "--employee-id", seller, "--name", "Again").status == 1


@capability("C27")
@capability("C46")
def test_opportunities_move_through_the_pipeline_and_managers_watch(relato: Relato, ana: str) -> None:
    deal = relato.make("opportunity.open", customer_id=ana, title="Hotel", amount="5000.00 EUR")
    relato.do("opportunity.move", opportunity_id=deal, stage="negotiation")
    row = one(relato.rows("pipeline", opportunity_id=deal, role="sales"))
    assert (row["stage"], row["status"], row["amount_minor"]) == ("negotiation", "open", 500_000)
    assert one(relato.rows("pipeline_by_stage", stage="negotiation", role="management"))["opportunities"] == 1
    relato.do("opportunity.win", opportunity_id=deal, amount="4800.00 EUR")
    assert one(relato.rows("pipeline", opportunity_id=deal))["status"] == "won"


@capability("C67")
def test_each_department_sees_what_happens_and_its_figures_from_the_customers_side(
    relato: Relato, ana: str, order: str
) -> None:
    agent = relato.make("employee.hire", name="Leo Dias")
    ticket = relato.make("ticket.open", customer_id=ana, summary="dark again", priority="high")
    assert one(relato.rows("ticket_queue", ticket_id=ticket, role="support"))["summary"] == "dark again"
    relato.do("ticket.resolve", ticket_id=ticket, outcome="a new bulb", agent_id=agent)
    assert one(relato.rows("resolution_by_agent", agent_id=agent, role="support"))["agent_name"] == "Leo Dias"
    assert one(relato.rows("orders", order_id=order, role="sales"))["customer_id"] == ana
    assert one(relato.rows("orders_by_customer", customer_id=ana, role="sales"))["total_minor"] == 3998
    assert one(relato.rows("rfm", customer_id=ana, role="marketing"))["money_minor"] == 3998


@capability("C64")
def test_a_supplier_sees_the_orders_of_its_own_products_and_nothing_personal(
    relato: Relato, supplier: str, order: str
) -> None:
    other = relato.make("partner.register", name="Other Ltda", kind="supplier")
    theirs = ("--role", "partner", "--as", supplier, "show", "supplier_orders", "--json")
    assert order in relato.tell(*theirs)
    assert "Ana" not in relato.tell(*theirs)
    assert relato.tell("--role", "partner", "--as", other, "show", "supplier_orders", "--json") == ""
    assert relato("--role", "partner", "--as", supplier, "show", "orders").status == 1


def test_merged_customers_and_identified_orders_share_one_history_until_they_are_unmerged(relato: Relato) -> None:
    first, second = relato.make("customer.register", name="Gil"), relato.make("customer.register", name="Gilberto")
    order = relato.make("order.place", number="X", currency="EUR",
                        lines=[{"product_id": first, "quantity": 1, "amount_minor": 1}])  # fmt: skip
    relato.do("order.identify_customer", order_id=order, customer_id=first)
    relato.do("customer.merge", customer_id=first, into_id=second)
    both = relato.history(second)
    assert {event["stream_id"] for event in both} == {first, second, order}
    assert relato.history(first) == relato.history(order) == both
    assert [event["position"] for event in both] == sorted(event["position"] for event in both)
    relato.do("customer.unmerge", customer_id=first, from_id=second)
    assert {event["stream_id"] for event in relato.history(second)} == {second}
    assert {event["stream_id"] for event in relato.history(first)} == {first, order}
    before = both[-1]["recorded_at"]
    assert relato.history(second, "--known-at", before) == both


def test_the_history_as_of_a_day_leaves_out_what_had_not_happened_yet(relato: Relato) -> None:
    customer = relato.make("customer.register", name="Hugo", occurred_at="2025-01-01T00:00:00Z")
    for day in ("2025-03-01", "2025-02-01"):
        relato.do("interaction.log", customer_id=customer, channel="visit", direction="inbound", topic=day,
                  occurred_at=f"{day}T09:00:00+00:00")  # fmt: skip
    now = datetime.now(UTC).isoformat()
    told = relato.history(customer, "--as-of", "2025-02-15T00:00:00Z", "--known-at", now)
    assert [event["fact"].get("topic") for event in told] == [None, "2025-02-01"]
    assert [e["fact"].get("topic") for e in relato.history(customer)] == [None, "2025-03-01", "2025-02-01"]


def test_the_document_lists_all_capabilities_and_marks_those_that_are_shown_here() -> None:
    listed = re.findall(r"^\| (C\d\d) \|.*\| (.*?) \|$", (ROOT / "docs" / "capabilities.md").read_text(), re.MULTILINE)
    assert [number for number, _ in listed] == [f"C{n:02}" for n in range(1, 74)]
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "acceptance").rglob("test_*.py"))
    shown = set(re.findall(r'capability\("(C\d\d)"\)', tests))
    assert {number for number, how in listed if how != "not yet"} == shown
