"""The document names everything there is, and every name in it leads somewhere."""

from __future__ import annotations

import json
import re
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.http.app import make_routes
from adapters.http.commands import by_path
from adapters.http.examples import example_of
from adapters.http.openapi import TAGS
from adapters.http.parts import Limits, Parts
from adapters.ids import uuid7
from domain.catalogue import REGISTRY
from projections.catalogue import VIEWS


@cache
def document() -> dict[str, Any]:
    parts = SimpleNamespace(
        limits=Limits(),
        authenticate=None,
        executor=SimpleNamespace(registry=REGISTRY),
        version="1",
        cors_origins=(),
        live=None,
    )
    return make_routes(cast("Parts", parts)).openapi()


def operations() -> list[dict[str, Any]]:
    return [operation for path in document()["paths"].values() for operation in path.values()]


def test_every_command_and_every_view_is_there() -> None:
    paths = document()["paths"]
    assert {f"/v1/{aggregate}/{{id}}/{verb}" for aggregate, verb in by_path(REGISTRY)} <= paths.keys()
    assert {f"/v1/{shown.service}/{shown.view.name}" for shown in VIEWS.values()} <= paths.keys()
    assert document()["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere() -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document()))):
        found: Any = document()
        for step in reference.split("/"):
            found = found[step]


def test_every_link_leads_to_an_operation_with_an_id_that_was_made() -> None:
    by_id = {operation["operationId"]: operation for operation in operations()}
    made = {registration.command.NAME: registration.targets[0].field for registration in REGISTRY}
    linked = [(operation, link) for operation in operations() for link in _links(operation)]
    assert {"customer.amend", "customers.history", "ticket.close"} <= {link["operationId"] for _, link in linked}
    for operation, link in linked:
        assert made[operation["operationId"]] in str(link["parameters"])
        named = {parameter.get("name") for parameter in by_id[link["operationId"]]["parameters"]}
        assert link["parameters"].keys() <= named


def _links(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [link for answer in operation["responses"].values() for link in answer.get("links", {}).values()]


def test_every_operation_has_a_name_a_tag_a_summary_and_a_description() -> None:
    names = [operation["operationId"] for operation in operations()]
    assert len(set(names)) == len(names)
    for operation in operations():
        assert set(operation["tags"]) <= TAGS.keys(), operation["operationId"]
        assert operation["summary"]
        assert operation["description"]


def test_the_addressed_id_stands_in_the_path_alone() -> None:
    for registration in REGISTRY:
        schema = document()["components"]["schemas"][registration.command.__name__]
        assert registration.targets[0].field not in schema["properties"]
        assert registration.targets[0].field not in schema.get("required", [])


@pytest.mark.parametrize("registration", list(REGISTRY), ids=lambda registration: registration.command.NAME)
def test_an_example_is_a_command(registration: Any) -> None:
    ids = {registration.targets[0].field: uuid7()}
    assert registration.command.model_validate(ids | example_of(registration))
