"""A company's year through the API gives the read models that it gives without: the same rows, opened, in each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import pytest

from adapters.postgres.server import PostgresServer
from adapters.simulation.load import load
from adapters.simulation.simulation import Simulation, batches
from domain.catalogue import REGISTRY
from domain.decider import Command
from domain.execute import Context
from projections.catalogue import VIEWS
from tests.conftest import copied
from tests.http_api import HttpApi, served

YEAR = Simulation(customers=40, events=900)
SINGLY, BATCH = 150, 125
BY_WAY = {
    "position",
    "event_id",
    "recorded_at",
    "actor",
    "origin",
    "command_id",
    "causation_id",
}  # who gave it
BY_NOW = {"age_s", "in_status_s", "recency_days", "days_left", "days_to_notice"}
FILLED = {"pipeline", "orders", "contracts", "employees", "customers", "rfm", "purchases", "tickets", "supplier_orders"}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def apis(postgres: PostgresServer, template: tuple[str, str]) -> Iterator[tuple[HttpApi, HttpApi]]:
    """One that was given the year through its routes, and one whose executor was."""
    with ExitStack() as stack:
        through, beside = (
            stack.enter_context(served(stack.enter_context(copied(postgres, template)))) for _ in range(2)
        )
        give_singly(through)
        give_in_batches(through)
        loaded = load(beside.backend.executor, YEAR)
        assert (loaded.commands, loaded.reasons()) == (YEAR.events, {})
        for api in (through, beside):
            api.fold()
        yield through, beside


def give_singly(api: HttpApi) -> None:
    for command, context in islice(YEAR, SINGLY):
        assert context.occurred_at
        aggregate, _, verb = command.NAME.partition(".")
        address, fields = spread(command)
        answer = api.give(
            f"{aggregate}/{address}/{verb}",
            fields,
            Idempotency_Key=str(context.command_id),
            Relato_Occurred_At=context.occurred_at.isoformat(),
        )
        assert answer.status_code == 201, answer.text


def give_in_batches(api: HttpApi) -> None:
    """The commands that were given singly once more."""
    repeated = 0
    for batch in batches(YEAR, BATCH):
        answer = api.give("batch", {"commands": [item_of(command, context) for command, context in batch]})
        assert answer.status_code == 200, answer.text
        verdicts = answer.json()["verdicts"]
        assert {verdict["status"] for verdict in verdicts} <= {200, 201}, verdicts
        repeated += sum(verdict["repeated"] for verdict in verdicts)
    assert repeated == SINGLY


def item_of(command: Command, context: Context) -> dict[str, Any]:
    address, fields = spread(command)
    key = str(context.command_id)
    assert context.occurred_at
    return {
        "command": command.NAME,
        "id": address,
        "with": fields,
        "key": key,
        "occurred_at": context.occurred_at.isoformat(),
    }


def spread(command: Command) -> tuple[str, dict[str, Any]]:
    """The id that it is addressed to, and its fields as JSON has them."""
    fields = command.model_dump(mode="json", exclude_unset=True)
    return fields.pop(REGISTRY.of(command).targets[0].field), fields


def rows(api: HttpApi, name: str) -> list[Row]:
    """All of a view, page by page."""
    found: list[Row] = []
    query: dict[str, Any] = {"limit": 1_000}
    while True:
        answer = api.ask(f"/v1/{VIEWS[name].service}/{name}", **query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["rows"]
        if (cursor := answer.json()["next"]) is None:
            return found
        query["cursor"] = cursor


def comparable(found: list[Row]) -> list[Row]:
    """Without the facts that say who may come in."""
    ours = (row for row in found if not str(row.get("type")).startswith("crm.access."))
    return [{name: value for name, value in row.items() if name not in BY_WAY | BY_NOW} for row in ours]


@pytest.mark.parametrize("name", VIEWS)
def test_every_read_model_has_the_same_rows_either_way(apis: tuple[HttpApi, HttpApi], name: str) -> None:
    through, beside = (comparable(rows(api, name)) for api in apis)
    assert through == beside
    assert through or name not in FILLED
