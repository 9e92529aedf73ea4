"""Whose rows somebody sees: their own, their team's, or all; in read models, the customer view, the history."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adapters.access.api_key import ApiKey
from adapters.ids import uuid7
from domain.access.facts import Role, Rows
from tests.conftest import Databases
from tests.http_api import HttpApi, QuickLimits, served


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


class PatientLimits(QuickLimits):
    fold_s = 20.0
    command_s = 30.0


class Sellers:
    """Sam and Tom in a team, Uli in another, Vic in none; each the seller of a customer with an opportunity."""

    def __init__(self, api: HttpApi) -> None:
        self.ids, self.customers = {name: uuid7() for name in ("Sam", "Tom", "Uli", "Vic")}, dict[str, str]()
        team, other = uuid7(), uuid7()
        for (name, seller), where in zip(self.ids.items(), (team, team, other, None), strict=True):
            hired = api.give(f"employee/{seller}/hire", {"name": name, **({"team_id": str(where)} if where else {})})
            assert hired.status_code == 201, hired.text
            self.customers[name] = api.register(name=f"of {name}", seller_id=str(seller))
            deal = {"customer_id": self.customers[name], "title": name, "seller_id": str(seller)}
            assert api.give("opportunity/new/open", deal).status_code == 201
        api.give("opportunity/new/open", {"title": "nobody's"})
        api.fold()

    def key(self, api: HttpApi, name: str, scope: Rows, role: Role = Role.SALES) -> ApiKey:
        return api.admit(role, acts_as=self.ids[name], scope=scope)


def titles(api: HttpApi, key: ApiKey, **query: Any) -> set[str]:
    answer = api.ask("/v1/sales/pipeline", role=key, **query)
    assert answer.status_code == 200, answer.text
    return {row["title"] for row in answer.json()["rows"]}


def test_a_page_holds_ones_own_rows_or_the_teams_or_all(api: HttpApi) -> None:
    sellers = Sellers(api)
    assert titles(api, sellers.key(api, "Sam", Rows.OWN)) == {"Sam"}
    assert titles(api, sellers.key(api, "Sam", Rows.TEAM)) == {"Sam", "Tom"}
    assert titles(api, sellers.key(api, "Vic", Rows.TEAM)) == {"Vic"}
    assert titles(api, sellers.key(api, "Sam", Rows.ALL)) == {"Sam", "Tom", "Uli", "Vic", "nobody's"}


def test_no_filter_or_cursor_goes_beyond_ones_rows(api: HttpApi) -> None:
    sellers = Sellers(api)
    sam, tom = sellers.key(api, "Sam", Rows.OWN), sellers.key(api, "Tom", Rows.TEAM)
    assert titles(api, sam, filter=[f"seller_id={sellers.ids['Tom']}"]) == set()
    assert titles(api, sam, filter=["seller_id="]) == set()
    assert api.ask("/v1/sales/pipeline", role=sam, filter=["seller_id among x"]).status_code == 422
    cursor = api.ask("/v1/sales/pipeline", role=tom, limit=1).json()["next"]
    assert api.ask("/v1/sales/pipeline", role=sam, cursor=cursor).json()["code"] == "cursor"


def test_a_view_that_does_not_say_whose_its_rows_are_is_not_shown(api: HttpApi) -> None:
    sellers = Sellers(api)
    sam = sellers.key(api, "Sam", Rows.OWN)
    for path in ("sales/orders_by_customer", "sales/teams"):
        assert api.ask(f"/v1/{path}", role=sam).status_code == 403
    chief = sellers.key(api, "Sam", Rows.TEAM, Role.MANAGEMENT)
    for path in ("marketing/rfm", "audit/timeline", "partners/supplier_orders", "partners/products"):
        assert api.ask(f"/v1/{path}", role=chief).status_code == 403


def test_the_customer_view_and_the_history_are_those_of_ones_own_customers(api: HttpApi) -> None:
    sellers = Sellers(api)
    sam, team = sellers.key(api, "Sam", Rows.OWN), sellers.key(api, "Sam", Rows.TEAM)
    mine, toms = sellers.customers["Sam"], sellers.customers["Tom"]
    found = api.ask(f"/v1/customers/{mine}", role=sam).json()
    assert [row["name"] for row in found["profile"]] == ["of Sam"]
    assert [row["title"] for row in found["sales"]["pipeline"]["rows"]] == ["Sam"]
    assert len(api.ask(f"/v1/customers/{mine}/history", role=sam).json()["facts"]) == 2
    for path in (f"/v1/customers/{toms}", f"/v1/customers/{toms}/history"):
        assert api.ask(path, role=sam).status_code == 404
        assert api.ask(path, role=team).status_code == 200


def test_ones_own_opportunity_with_anothers_customer_is_seen_alone(api: HttpApi) -> None:
    sellers = Sellers(api)
    toms = sellers.customers["Tom"]
    api.give("opportunity/new/open", {"customer_id": toms, "title": "help", "seller_id": str(sellers.ids["Sam"])})
    api.fold()
    found = api.ask(f"/v1/customers/{toms}", role=sellers.key(api, "Sam", Rows.OWN)).json()
    assert found["profile"] == []
    assert [row["title"] for row in found["sales"]["pipeline"]["rows"]] == ["help"]


def test_a_wider_scope_granted_later_holds_from_then_on(api: HttpApi) -> None:
    sellers = Sellers(api)
    key = sellers.key(api, "Sam", Rows.OWN)
    api.backend.do("access.grant_role", access_id=key.access_id, role=Role.SALES, scope=Rows.ALL)
    assert len(titles(api, key)) == 5


def test_one_changes_what_is_ones_own_or_the_teams_and_nothing_else(api: HttpApi) -> None:
    sellers = Sellers(api)
    sam, team = sellers.key(api, "Sam", Rows.OWN), sellers.key(api, "Sam", Rows.TEAM)
    mine, toms, ulis = (sellers.customers[name] for name in ("Sam", "Tom", "Uli"))
    assert api.give(f"customer/{mine}/amend", {"country": "PT"}, role=sam).status_code == 201
    before = api.backend.ledger.last_position()
    for customer, key in ((toms, sam), (ulis, team)):
        assert api.give(f"customer/{customer}/amend", {"country": "PT"}, role=key).status_code == 404
        deal = {"customer_id": customer, "title": "poached"}
        assert api.give("opportunity/new/open", deal, role=key).status_code == 404
    assert api.backend.ledger.last_position() == before
    assert api.give(f"customer/{toms}/amend", {"country": "PT"}, role=team).status_code == 201
    assert api.give("opportunity/new/open", {"customer_id": mine, "title": "more"}, role=sam).status_code == 201


def test_what_is_nobodys_is_changed_by_who_sees_all(api: HttpApi) -> None:
    sellers = Sellers(api)
    sam, all_ = sellers.key(api, "Sam", Rows.OWN), sellers.key(api, "Sam", Rows.ALL)
    product = api.give("product/new/register", {"name": "Bowl"}, role=sam).json()["ids"]["product_id"]
    told = {"customer_id": sellers.customers["Sam"], "channel": "email", "direction": "inbound"}
    talk = api.give("interaction/new/log", told, role=sam).json()["ids"]["interaction_id"]
    for path, body in ((f"product/{product}/amend", {"name": "Cup"}), (f"interaction/{talk}/correct", {"topic": "x"})):
        assert api.give(path, body, role=sam).status_code == 403, path
        assert api.give(path, body, role=all_).status_code == 201, path


def test_of_a_batch_those_that_touch_others_rows_are_refused(api: HttpApi) -> None:
    sellers = Sellers(api)
    batch = {"commands": [{"command": "customer.amend", "id": sellers.customers[name], "with": {"country": "PT"}}
                          for name in ("Sam", "Tom")]}  # fmt: skip
    verdicts = api.give("batch", batch, role=sellers.key(api, "Sam", Rows.OWN)).json()["verdicts"]
    assert [verdict["status"] for verdict in verdicts] == [201, 404]


def test_what_one_made_a_moment_ago_can_be_changed_as_soon_as_it_is_folded(databases: Databases) -> None:
    with served(databases, limits=PatientLimits()) as api:
        sellers = Sellers(api)
        sam = sellers.key(api, "Sam", Rows.OWN)
        deal = {"title": "new", "seller_id": str(sellers.ids["Sam"])}
        made = api.give("opportunity/new/open", deal, role=sam).json()["ids"]["opportunity_id"]
        with ThreadPoolExecutor(1) as beside:
            moved = beside.submit(api.give, f"opportunity/{made}/move", {"stage": "engaging"}, role=sam)
            api.fold()
            assert moved.result().status_code == 201, moved.result().text
