"""Commands one after the other, along the document's links: what one made, the next ones are given."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from domain.access.facts import Role
from domain.catalogue import REGISTRY
from tests.conftest import Databases
from tests.http_api import HttpApi, served

Case = schemathesis.Case[Any]
ROUNDS, WALKS, STEPS, FEWEST = 8, 60, 12, 40
REFUSING = {"If-Match", "If-None-Match"}  # drawn at random they refuse nearly everything
BOUND = settings(
    max_examples=WALKS,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def document(api: HttpApi) -> dict[str, Any]:
    """What is linked, with links more: a customer that was made gets what customers have."""
    found: dict[str, Any] = api.client.get("/openapi.json").json()
    for operation in (operation for path in found["paths"].values() for operation in path.values()):
        parameters = operation.get("parameters", [])
        operation["parameters"] = [one for one in parameters if one.get("$ref", "").rpartition("/")[2] not in REFUSING]
    links = found["paths"]["/v1/customer/{id}/register"]["post"]["responses"]["201"]["links"]
    for registration in REGISTRY:
        addressed, *others = [target.field for target in registration.targets]
        if "customer_id" in others and addressed != "customer_id":
            links[f"of-{registration.command.NAME}"] = {
                "operationId": registration.command.NAME,
                "requestBody": {"customer_id": "$response.body#/ids/customer_id"},
            }
    return found | {"paths": on_the_way(found["paths"])}


def on_the_way(paths: dict[str, Any]) -> dict[str, Any]:
    """Those from which a link leads, or to which one does."""
    links = {
        path: [link for one in operations.values() for link in links_of(one)] for path, operations in paths.items()
    }
    targets = {link["operationId"] for found in links.values() for link in found}
    ids = {path: {one["operationId"] for one in operations.values()} for path, operations in paths.items()}
    return {path: operations for path, operations in paths.items() if links[path] or ids[path] & targets}


def links_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [link for answer in operation["responses"].values() for link in answer.get("links", {}).values()]


@pytest.mark.timeout(180)
def test_whatever_is_done_in_whatever_order_is_answered_as_the_document_says(databases: Databases) -> None:
    told: Counter[tuple[int, bool]] = Counter()
    made: set[str] = set()
    faults: list[str] = []
    with served(databases) as api:
        api.fold()
        schema = schemathesis.openapi.from_dict(document(api))
        schema.config.update(base_url=api.url)
        headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}

        class Walk(schema.as_state_machine()):  # type: ignore[misc]  # the class is made when it is asked for
            def get_call_kwargs(self, case: Case) -> dict[str, Any]:
                del case
                return {"headers": headers, "timeout": 5}

            def validate_response(self, response: Response, case: Case, **_: Any) -> None:
                is_known = str((case.path_parameters or {}).get("id")) in made
                told[response.status_code, is_known] += 1
                if response.status_code == 201:
                    made.update(response.json()["ids"].values())
                try:
                    case.validate_response(response, checks=CHECKS)
                except BaseExceptionGroup as error:
                    faults.append(f"{case.operation.label}: {error.exceptions[0]}")

        for number in range(ROUNDS):
            # the ledger remembers, so that a walk that is gone again ends elsewhere: Hypothesis stops there
            with suppress(Flaky):
                seed(number)(Walk).run(settings=BOUND)
    assert not faults, "\n\n".join(faults)
    assert told[200, True] + told[201, True] > FEWEST, f"what was made is hardly ever found again: {told}"
