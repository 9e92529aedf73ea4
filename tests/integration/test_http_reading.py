"""Read models, customers and history over HTTP: filtered, paged, opened as far as the role may see."""

from __future__ import annotations

import csv
import io
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.http import paging
from adapters.ids import uuid7
from domain.access.facts import Role, Rows
from projections import rendering
from projections.catalogue import VIEWS
from projections.disclosure import GRANTS
from tests.conftest import Databases
from tests.http_api import HttpApi, served


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


def deals(api: HttpApi, customer_id: str, *titles: str | None) -> None:
    for n, title in enumerate(titles):
        body = {"customer_id": customer_id, "title": title, "amount": f"{n + 1}.00 EUR"}
        assert api.give("opportunity/new/open", body).status_code == 201


def rows(api: HttpApi, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = api.ask(path, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def all_pages(api: HttpApi, path: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = api.ask(path, **query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["rows"]
        if (cursor := answer.json()["next"]) is None:
            return found
        assert answer.headers["link"].endswith('rel="next"')
        query["cursor"] = cursor


def test_rows_are_filtered_sorted_and_opened(api: HttpApi) -> None:
    deals(api, api.register(name="Ana Lima"), "desk", "chair", None)
    api.fold()
    found = rows(api, "/v1/sales/pipeline", sort="-amount_minor", filter=["amount_minor>=200"])
    assert [(row["title"], row["customer_name"]) for row in found] == [(None, "Ana Lima"), ("chair", "Ana Lima")]
    assert [row["title"] for row in rows(api, "/v1/sales/pipeline", filter=["title="])] == [None]
    assert len(rows(api, "/v1/sales/pipeline", filter=["customer_name~LIMA"])) == 3
    assert rows(api, "/v1/sales/pipeline", filter=["customer_name=Rui"]) == []


IN_FRONT = (
    *("", "limit=2", "limit=2&limit=3", "limit=%32", "limit=0", "limit=1001", "limit=x", "limit=", "other=1"),
    *("filter=title=desk", "filter=title=desk&filter=stage!=lost", "filter=", "filter=title", "filter=nothing=1"),
    *("sort=-title&limit=1", "sort=title,nothing", "sort=", f"sort={'a' * 501}", "sort=title&sort=-title"),
    *("cursor=", "cursor=abc", f"cursor={'a' * 4_001}", "customer=x", "customer=", "format=csv", "format=xml"),
    *("filter=title~%C3%A9&limit=1", "filter=title~%FF", "&".join(["filter=title=a"] * 51), "limit=1;sort=x", "%"),
)


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/csv"}, {"Accept": "image/png"}, {"Accept-Encoding": "gzip"},
                                     {"Relato-Token": "x"}, {"Relato-Token": "1" * 4_001}], ids=range(6))  # fmt: skip
def test_what_is_answered_in_front_of_the_router_is_what_the_router_answers(
    api: HttpApi, headers: dict[str, str]
) -> None:
    """Asked for its head alone a page goes the router's way."""
    deals(api, api.register(name="Ana"), "desk", "chair", "caf\u00e9", *(f"lamp {n}" for n in range(5)))
    api.fold()
    headers = {"Accept-Encoding": "identity", "Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"} | headers
    for query in IN_FRONT:
        whole, head = (
            api.client.request(method, f"/v1/sales/pipeline?{query}", headers=headers) for method in ("GET", "HEAD")
        )
        told = [{name: value for name, value in one.headers.items() if name not in ("date", "x-request-id")}
                for one in (whole, head)]  # fmt: skip
        assert (whole.status_code, told[0]) == (head.status_code, told[1]), query


def test_pages_come_to_what_is_there_each_row_once(api: HttpApi) -> None:
    deals(api, api.register(name="Ana"), "b", None, "a", "b", None, "c", "a")
    api.fold()
    sorts = (None, "title", "-title", "-amount_minor,title", "-currency,opened_at")
    for sort, asked in itertools.product(sorts, (None, "customer_name~ana")):
        query = {name: value for name, value in (("sort", sort), ("filter", asked)) if value}
        whole = rows(api, "/v1/sales/pipeline", limit=100, **query)
        assert len(whole) == 7
        assert all_pages(api, "/v1/sales/pipeline", limit=2, **query) == whole


def test_a_view_without_a_single_key_is_paged_over_its_empty_columns(api: HttpApi) -> None:
    for currency in ("EUR", "USD"):
        api.give("opportunity/new/open", {"amount": f"1.00 {currency}"})
    api.give("opportunity/new/open")
    api.give("opportunity/new/open", {"seller_id": str(uuid7())})
    api.fold()
    whole = rows(api, "/v1/sales/pipeline_by_stage", limit=100)
    assert len(whole) == 4
    assert all_pages(api, "/v1/sales/pipeline_by_stage", limit=1) == whole


def test_what_holds_a_list_sorts_nothing(api: HttpApi) -> None:
    api.fold()
    for column in ("needs", "purchases", "-also_known_as"):
        answer = api.ask("/v1/marketing/customers", sort=column)
        assert (answer.status_code, "holds a list" in answer.json()["detail"]) == (422, True)


def test_a_cursor_is_good_for_its_own_question_only(api: HttpApi) -> None:
    deals(api, api.register(), "a", "b")
    api.fold()
    cursor = api.ask("/v1/sales/pipeline", limit=1).json()["next"]
    for query in ({"sort": "title"}, {"filter": "title=a"}):
        assert api.ask("/v1/sales/pipeline", cursor=cursor, **query).json()["code"] == "cursor"
    for forged in ("x", cursor[:-2], "A" * len(cursor), "é"):
        assert api.ask("/v1/sales/pipeline", cursor=forged).status_code == 422


NONSENSE: list[dict[str, Any]] = [
    {"filter": "nothing=1"},
    {"filter": "title"},
    {"filter": "amount_minor=many"},
    {"filter": "customer_name>=A"},
    {"sort": "customer_name"},
    {"sort": "nothing"},
    {"limit": 0},
    {"limit": 1_001},
    {"limit": "x"},
    {"customer": "17"},
    {"filter": "title=\0"},
]


def test_a_question_that_makes_no_sense_is_a_problem(api: HttpApi) -> None:
    api.fold()
    for query in NONSENSE:
        answer = api.ask("/v1/sales/pipeline", **query)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_read_with_a_writes_token_waits_for_it_and_gives_up_in_time(api: HttpApi) -> None:
    api.fold()
    token = api.give("customer/new/register", {}).headers["relato-token"]
    late = api.ask("/v1/marketing/customers", headers={"Relato-Token": token})
    assert (late.status_code, late.json()["code"]) == (503, "not-folded")
    assert late.headers["retry-after"] == "1"
    api.fold()
    assert len(rows(api, "/v1/marketing/customers", headers={"Relato-Token": token})) == 1
    for wrong in ("x", "64.1", "1.99999999999999999999", "1"):
        assert api.ask("/v1/marketing/customers", headers={"Relato-Token": wrong}).status_code == 422


def test_rows_come_as_csv(api: HttpApi) -> None:
    deals(api, api.register(name="Ana, Lima"), "desk")
    api.fold()
    for answer in (
        api.ask("/v1/sales/pipeline", format="csv"),
        api.ask("/v1/sales/pipeline", headers={"Accept": "text/csv"}),
    ):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        [row] = csv.DictReader(io.StringIO(answer.text))
        assert (row["customer_name"], row["title"]) == ("Ana, Lima", "desk")
    assert api.ask("/v1/sales/pipeline", headers={"Accept": "image/png"}).status_code == 406


def test_no_cell_of_csv_is_a_formula(api: HttpApi) -> None:
    deals(api, api.register(name="+351 1"), "=1+1")
    api.fold()
    [row] = csv.DictReader(io.StringIO(api.ask("/v1/sales/pipeline", format="csv").text))
    assert (row["customer_name"], row["title"]) == ("'+351 1", "'=1+1")


def test_each_role_sees_the_services_of_its_grant_and_nothing_else(api: HttpApi) -> None:
    api.fold()
    keys = {role: api.admit(role, acts_as=uuid7()) for role in Role}
    for (role, key), shown in itertools.product(keys.items(), VIEWS.values()):
        answer = api.ask(f"/v1/{shown.service}/{shown.view.name}", role=key)
        may = shown.service in GRANTS[role].services and (
            role is not Role.PARTNER or set(GRANTS[role].whose) & set(shown.view.columns)
        )
        assert answer.status_code == (200 if may else 403), (shown, answer.text)


def test_what_a_role_may_not_read_is_withheld_and_what_is_erased_is_gone(api: HttpApi) -> None:
    seller = str(uuid7())
    api.give(f"employee/{seller}/hire", {"name": "Sam"})
    deals(api, api.register(name="Ana"), "desk")
    api.give("opportunity/new/open", {"seller_id": seller})
    api.fold()
    key = api.admit(Role.AUDITOR)
    found = rows(api, "/v1/sales/pipeline", role=key, sort="-title")
    assert [row["customer_name"] for row in found] == ["Ana", None]
    assert found[1]["_withheld"] == ["seller_name"]


def test_a_customer_is_told_by_every_department_the_role_sees(api: HttpApi) -> None:
    customer_id = api.register(name="Ana Lima")
    deals(api, customer_id, "desk")
    api.give("ticket/new/open", {"customer_id": customer_id, "channel": "email", "summary": "broken"})
    api.fold()
    whole = api.ask(f"/v1/customers/{customer_id}").json()
    assert whole["profile"][0]["name"] == "Ana Lima"
    assert [row["title"] for row in whole["sales"]["pipeline"]["rows"]] == ["desk"]
    assert len(whole["support"]["tickets"]["rows"]) == 1
    assert api.ask(f"/v1/customers/{customer_id}", role=Role.SUPPORT).json().keys() == {
        "customer_id",
        "profile",
        "support",
    }
    assert api.ask(f"/v1/customers/{uuid7()}").status_code == 404
    assert api.ask(f"/v1/customers/{customer_id}", role=Role.PARTNER).status_code == 403


def test_a_customers_history_is_read_from_the_ledger_as_of_any_time(api: HttpApi) -> None:
    customer_id = api.register(name="Ana Lima")
    before = api.ask(f"/v1/customers/{customer_id}/history").json()["facts"][0]["recorded_at"]
    time.sleep(0.01)
    deals(api, customer_id, "desk", "chair")
    path = f"/v1/customers/{customer_id}/history"
    facts = api.ask(path).json()["facts"]
    assert [fact["type"] for fact in facts] == ["crm.customer.registered.v1", *["crm.opportunity.opened.v1"] * 2]
    assert facts[0]["fact"]["name"] == "Ana Lima"
    assert len(api.ask(path, known_at=before).json()["facts"]) == 1
    first = api.ask(path, limit=2).json()
    assert len(api.ask(path, after=first["next"]).json()["facts"]) == 1
    for no_time in ("2026-01-01T00:00:00", "2026", "-5", "0001-01-01T00:00:00+14:00"):
        assert api.ask(path, known_at=no_time).status_code == 422
        assert api.ask(path, as_of=no_time).status_code == 422
    assert api.ask(path, role=Role.PARTNER).status_code == 403


def test_the_history_tells_a_role_what_its_departments_follow(api: HttpApi) -> None:
    customer_id = api.register(name="Ana Lima")
    opened = api.give("ticket/new/open", {"customer_id": customer_id, "summary": "it leaks", "category": "repair"})
    ticket_id = opened.json()["ids"]["ticket_id"]
    api.give(f"ticket/{ticket_id}/note", {"activity": "call", "content": "was angry"})
    deals(api, customer_id, "desk")
    path = f"/v1/customers/{customer_id}/history"

    def told(*roles: Role) -> dict[str, dict[str, Any]]:
        answer = api.ask(path, role=api.admit(*roles)).json()
        assert answer["left_out"] == 4 - len(answer["facts"])
        facts = {fact["type"]: fact["fact"] for fact in answer["facts"]}
        return {type_.removeprefix("crm.").removesuffix(".v1"): fact for type_, fact in facts.items()}

    for whole in (Role.ADMINISTRATOR, Role.MANAGEMENT, Role.AUDITOR):
        assert told(whole)["ticket.opened"].keys() >= {"summary", "category"}
    sales = told(Role.SALES)
    assert sales["ticket.opened"].items() >= {"category": "repair"}.items()
    assert "summary" not in sales["ticket.opened"]
    assert sales["ticket.noted"] == {"activity": "call"}
    assert sales["opportunity.opened"]["title"] == "desk"
    marketing = told(Role.MARKETING)
    assert marketing.keys() == {"customer.registered", "opportunity.opened"}
    assert "title" not in marketing["opportunity.opened"]
    support = told(Role.SUPPORT)
    assert (support["ticket.opened"]["summary"], support["ticket.noted"]["content"]) == ("it leaks", "was angry")
    assert "opportunity.opened" not in support
    both = told(Role.SUPPORT, Role.SALES)
    assert (both["ticket.opened"]["summary"], both["opportunity.opened"]["title"]) == ("it leaks", "desk")


def test_a_role_that_sees_all_customers_does_not_widen_what_another_sees_of_its_own(api: HttpApi) -> None:
    sam = api.admit(Role.SALES, acts_as=uuid7(), scope=Rows.OWN)
    api.backend.do("access.grant_role", access_id=sam.access_id, role=Role.MARKETING, scope=Rows.ALL)
    seller_id = api.backend.ledger.load([sam.access_id])[0].fact.model_dump()["acts_as"]
    mine, anothers = api.register(name="Ana Lima", seller_id=str(seller_id)), api.register(name="Rui Costa")
    for customer_id in (mine, anothers):
        deals(api, customer_id, "desk")
    api.fold()
    titles = []
    for customer_id in (mine, anothers):
        facts = api.ask(f"/v1/customers/{customer_id}/history", role=sam).json()["facts"]
        titles.append([fact["fact"].get("title") for fact in facts if fact["type"] == "crm.opportunity.opened.v1"])
    assert titles == [["desk"], [None]]


def test_the_pages_of_a_history_leave_no_fact_out_that_is_told(api: HttpApi) -> None:
    customer_id = api.register(name="Ana Lima")
    for title in ("desk", "chair", "lamp"):
        api.give("ticket/new/open", {"customer_id": customer_id, "summary": "it leaks"})
        deals(api, customer_id, title)
    found, after = list[str](), 0
    while after is not None:
        page = api.ask(f"/v1/customers/{customer_id}/history", role=Role.MARKETING, after=after, limit=1).json()
        found += [fact["type"] for fact in page["facts"]]
        after = page["next"]
    assert found == ["crm.customer.registered.v1", *["crm.opportunity.opened.v1"] * 3]


def test_a_page_with_long_texts_is_short_and_the_next_one_goes_on(
    api: HttpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "MOST_TEXT", 45_000)
    monkeypatch.setattr(paging, "MOST_TEXT", 45_000)
    customer = api.register(name="Ana Lima")
    for n in range(7):
        assert api.give("ticket/new/open", {"customer_id": customer, "summary": f"{n}" * 20_000}).status_code == 201
    api.fold()

    asked: list[dict[str, Any]] = [{}, {"sort": "-opened_at"}, {"filter": ["customer_name~ana"]}]
    for more in asked:
        answer = api.ask("/v1/support/tickets", **more).json()
        assert (len(answer["rows"]), answer["next"] is None) == (3, False)
        assert len({row["ticket_id"] for row in all_pages(api, "/v1/support/tickets", **more)}) == 7

    told, after = [], 0
    while after is not None:
        page = api.ask(f"/v1/customers/{customer}/history", after=after).json()
        told += page["facts"]
        after = page["next"]
    assert [len(fact["fact"].get("summary", "")) for fact in told] == [0] + [20_000] * 7


def test_numbers_that_are_too_large_to_be_added_keep_nobody_from_reading(api: HttpApi) -> None:
    greedy, honest, product = api.register(name="Greedy"), api.register(name="Ana Lima"), str(uuid7())
    line = {"product_id": product, "quantity": 1, "amount_minor": 10**15}
    for n in range(12):
        order = {"customer_id": greedy, "number": str(n), "currency": "EUR", "lines": [line] * 900}
        assert api.give("order/new/place", order).status_code == 201
    small = {"customer_id": honest, "number": "13", "currency": "EUR", "lines": [{**line, "amount_minor": 100}]}
    assert api.give("order/new/place", small).status_code == 201
    api.fold()
    sums = {row["customer_name"]: row["total_minor"] for row in rows(api, "/v1/sales/orders_by_customer")}
    assert sums == {"Greedy": None, "Ana Lima": 100}
    money = {row["customer_id"]: row["money_minor"] for row in rows(api, "/v1/marketing/rfm")}
    assert money == {greedy: None, honest: 100}


def test_long_answers_are_compressed_for_who_takes_it(api: HttpApi) -> None:
    deals(api, api.register(name="Ana Lima"), *["desk"] * 20)
    api.fold()
    answer = api.ask("/v1/sales/pipeline")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["rows"]) == 20


def test_the_service_is_alive_and_ready(api: HttpApi) -> None:
    assert api.client.get("/health/live").json() == {"status": "live"}
    assert api.client.get("/health/ready").json() == {"status": "ready", "faults": []}


def test_a_clear_text_that_looks_sealed_is_refused_for_its_row_could_not_be_shown(api: HttpApi) -> None:
    field_id = api.give("field/new/define", {"name": "nick", "clear": True}).json()["ids"]["field_id"]
    customer_id = api.register(name="Ana")
    for forged in ("s1.abcdefgh", ["c1.x"], {"a": "s1.x"}, {"s1.x": 1}):
        answer = api.give(f"customer/{customer_id}/set_field", {"field_id": field_id, "clear": forged})
        assert answer.status_code == 422, answer.text
    assert api.give(f"customer/{customer_id}/add_contact", {"name": "Rui", "role": "s1.x"}).status_code == 422
    assert api.give(f"customer/{customer_id}/set_field", {"field_id": field_id, "clear": "s1. x"}).status_code == 201
    api.fold()
    assert len(rows(api, "/v1/marketing/customers")) == 1
