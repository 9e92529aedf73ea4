"""Whatever the document allows, and much that it does not, is answered as the document says, and never with a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from domain.access.facts import Role
from tests.conftest import Databases
from tests.http_api import HttpApi, served

Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]
EXAMPLES = 6  # of each operation, right ones and wrong ones
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def operations(api: HttpApi) -> Iterator[Operation]:
    schema = schemathesis.openapi.from_dict(api.client.get("/openapi.json").json())
    schema.config.update(base_url=api.url)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_operation_answers_as_the_document_says(databases: Databases, mode: GenerationMode) -> None:
    with served(databases) as api:
        api.register(name="Ana Lima")
        api.fold()
        headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
        faults = [fault for operation in operations(api) if (fault := fault_of(operation, mode, headers))]
    assert not faults, "\n\n".join(faults)


def fault_of(operation: Operation, mode: GenerationMode, headers: dict[str, str]) -> str | None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        if not is_endless(case):
            case.call_and_validate(headers=headers, checks=CHECKS, timeout=5)

    try:
        ask()
    except BaseExceptionGroup as error:
        return f"{operation.label}: {error.exceptions[0]}"
    except Unsatisfiable:  # it has nothing that could be made wrong
        assert mode is GenerationMode.NEGATIVE
    return None


def is_endless(case: Case) -> bool:
    """A stream ends when its reader goes."""
    is_stream = case.operation.path.endswith("/facts") and case.operation.path.startswith("/v1/")
    return is_stream or (case.query or {}).get("format") == "live"
