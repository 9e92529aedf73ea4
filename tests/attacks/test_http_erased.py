"""A person is erased, by another process, while others read: nothing more of them is opened, what was is noted."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest

from adapters.postgres.access_log import PostgresAccessLog
from tests import http_api
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.http_api import HttpApi, served
from tests.http_streams import following

NAMES = ("Ana Lima", "Bia Reis", "Eva Cruz", "Rui Dias")
BOARD, FACTS = "/v1/sales/pipeline", "/v1/sales/facts"
PATIENCE_S = 5.0


class Shop(NamedTuple):
    """Customers with a deal each, in the order of NAMES; `elsewhere` is another process's way in."""

    api: HttpApi
    elsewhere: Backend
    log: PostgresAccessLog
    customers: list[str]

    def ask(self, **query: Any) -> httpx.Response:
        return self.api.ask(BOARD, sort="title", **query)

    def erase(self, customer: str) -> None:
        self.elsewhere.vault.erase([UUID(customer)])

    def read_of(self, customer: str) -> list[str]:
        return [one.route for one in self.log.of_persons([UUID(customer)])]


@pytest.fixture
def shop(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    master = new_master()
    monkeypatch.setattr(http_api, "new_master", lambda: master)
    with (
        served(databases) as api,
        Backend.open(databases.app, databases.keys_app, master) as elsewhere,
        closing(PostgresAccessLog(databases.app)) as log,
    ):
        customers = [api.register(name=name) for name in NAMES]
        for n, customer in enumerate(customers):
            api.give("opportunity/new/open", {"customer_id": customer, "title": f"deal {n}"})
        api.fold()
        yield Shop(api, elsewhere, log, customers)


def column_of(page: httpx.Response) -> str:
    """The column of the board in which the customers' names are."""
    row = page.json()["rows"][0]
    return next(name for name, value in row.items() if value in NAMES)


def test_who_is_erased_between_two_pages_of_a_walk_is_not_on_the_second(shop: Shop) -> None:
    first = shop.ask(limit=2)
    column = column_of(first)
    shop.erase(shop.customers[0])
    shop.erase(shop.customers[3])
    deadline = time.monotonic() + PATIENCE_S
    while NAMES[3] in (second := shop.ask(limit=2, cursor=first.json()["next"])).text:
        assert time.monotonic() < deadline
    assert [row[column] for row in second.json()["rows"]] == [NAMES[2], None]
    assert second.json()["rows"][1]["_erased"] == [column]
    assert shop.read_of(shop.customers[0]) == [BOARD]


def test_no_table_that_is_asked_for_after_the_erasure_holds_the_name(shop: Shop) -> None:
    column, erased = column_of(shop.ask()), shop.customers[1]
    told: list[tuple[float, str]] = []

    def ask() -> None:
        for _ in range(40):
            began = time.monotonic()
            told.append((began, shop.ask(format="csv").text))

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    time.sleep(0.1)
    shop.api.backend.vault.erase([UUID(erased)])
    done = time.monotonic()
    for thread in asking:
        thread.join()
    late = [text for began, text in told if began > done]
    assert late
    for text in late:
        assert [row[column] for row in csv.DictReader(io.StringIO(text))] == [NAMES[0], "(erased)", *NAMES[2:]]
    before = sum(NAMES[1] in text for _, text in told)
    assert len(shop.read_of(erased)) == before + 1  # and the page above


def test_who_follows_is_told_nothing_of_whom_was_erased(shop: Shop) -> None:
    with following(shop.api, BOARD) as board, following(shop.api, FACTS, from_=1) as facts:
        assert NAMES[1] in str(board.take(1)[0].content)
        assert NAMES[0] in str(facts.take(1)[0].content)
        facts.take(7)
        shop.erase(shop.customers[1])
        time.sleep(0.5)  # the other process's word is on its way
        shop.api.give("opportunity/new/open", {"customer_id": shop.customers[1], "title": "deal 9"})
        shop.api.give(f"customer/{shop.customers[1]}/change_stage", {"stage": "lapsed"})
        shop.api.fold()
        (changed,) = board.take(1)
        assert NAMES[1] not in str(changed.content)
        assert {row["title"] for row in changed.content["rows"]} >= {"deal 1", "deal 9"}
        with following(shop.api, FACTS, from_=1) as anew:
            assert NAMES[1] not in str([message.content for message in anew.take(8)])
