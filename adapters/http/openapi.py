"""The document of the API (OpenAPI 3.1), made from the registries: what there is, how to ask, what can go wrong."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from adapters.http.examples import example_of
from adapters.http.links import links_of
from adapters.http.problems import MEDIA_TYPE, STATUSES, code_of, known_problems, problem_of, status_of
from adapters.http.schemas import HEADERS, OUTCOME, PROBLEM, REF, VERDICT, Schema, done, problems_for
from domain.decider import Registration, Registry

SECURITY: list[dict[str, list[str]]] = [{"key": []}]
DEPARTMENTS = {
    "customer": "customers",
    "opportunity": "sales",
    "contract": "sales",
    "order": "sales",
    "product": "sales",
    "employee": "sales",
    "team": "sales",
    "interaction": "marketing",
    "ticket": "support",
    "attachment": "customers",
    "partner": "partners",
    "agreement": "partners",
    "endpoint": "partners",
    "territory": "partners",
    "field": "administration",
    "access": "administration",
}
TAGS = {
    "customers": "Who they are, how they are reached, what they need; one customer's whole history.",
    "sales": "Opportunities, contracts, orders, and who sells what.",
    "marketing": "Interactions, prospects, what customers bought and are likely to buy.",
    "support": "Tickets, and how they were resolved.",
    "partners": "Suppliers and distributors, what concerns their products, and their feeds.",
    "audit": "Every fact, as it lies in the ledger.",
    "administration": "Who may come in, and the company's own fields.",
    "imports": "Files of other systems, into facts; how far an import has come, and what it could not take.",
    "batch": "Many commands in one request.",
    "health": "For who watches over the process.",
    "problems": "Every error by its name.",
}
DESCRIPTION = """
Relato keeps every customer interaction, sale, contract change and ticket as an immutable fact.
**Commands** (`POST /v1/<aggregate>/<id>/<command>`) order something; **read models** (`GET /v1/<department>/<view>`)
show what came of it.

* `Authorization: Bearer rel_…` says who you are; `relato key issue` makes a key.
* `Idempotency-Key` makes a command happen once: repeat it with the same key until you have an answer.
* `ETag` is the version of the stream, `If-Match` refuses when it has moved on.
* `Relato-Token` of a write, sent with a read, waits until the read model has it.
* Every error is a problem (RFC 9457) with a `code`; `GET /problems` lists them.
"""


def document(app: FastAPI, registry: Registry, version: str, models: Iterable[type[BaseModel]]) -> Schema:
    """`models`: further bodies that the routes name."""
    tags = [{"name": name, "description": text} for name, text in TAGS.items()]
    found = get_openapi(
        title="Relato", version=version, summary="An account of what happened, over HTTP.", description=DESCRIPTION,
        routes=app.routes, tags=tags, openapi_version="3.1.0",
    )  # fmt: skip
    commands = [registration.command for registration in registry]
    schemas = _schemas([*commands, *models])
    for registration in registry:
        schema = schemas[registration.command.__name__]
        _leave_out(schema, registration.targets[0].field)
        found["paths"][path_of(registration)] = {"post": _operation(registration)}
    for command, links in links_of(registry).items():
        found["paths"][path_of(registry.named(command))]["post"]["responses"]["201"]["links"] = links
    components = found.setdefault("components", {})
    components["schemas"] = {"Problem": PROBLEM, "Outcome": OUTCOME, "Verdict": VERDICT, **schemas}
    components["responses"] = {f"problem-{status}": _problems(status) for status in sorted(set(STATUSES.values()))}
    components["parameters"] = {header["name"]: header for header in HEADERS}
    bearer = {"type": "http", "scheme": "bearer", "description": "An API key, `rel_<prefix>_<secret>`."}
    components["securitySchemes"] = {"key": bearer}
    for path, operations in found["paths"].items():
        for operation in operations.values():
            if path.startswith("/v1/"):
                operation["security"] = SECURITY
    return found


def _schemas(models: Iterable[type[BaseModel]]) -> Schema:
    """By the class's name, or by aggregate and name where several have the same."""
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    long = re.compile(r"domain__(\w+?)__(?:facts|commands)__(\w+)")
    text = {long.sub(r"\1.\2", name): schema for name, schema in found.get("$defs", {}).items()}
    return {name: _renamed(schema, long) for name, schema in text.items()}


def _renamed(thing: Any, long: re.Pattern[str]) -> Any:
    if isinstance(thing, Mapping):
        return {
            name: long.sub(r"\1.\2", part) if name == "$ref" and isinstance(part, str) else _renamed(part, long)
            for name, part in thing.items()
        }
    return [_renamed(part, long) for part in thing] if isinstance(thing, list) else thing


def _leave_out(schema: Schema, addressed: str) -> None:
    schema["properties"].pop(addressed)
    schema["required"] = [name for name in schema.get("required", []) if name != addressed]
    if not schema["required"]:
        del schema["required"]


def path_of(registration: Registration) -> str:
    aggregate, _, verb = registration.command.NAME.partition(".")
    return f"/v1/{aggregate}/{{id}}/{verb}"


def _operation(registration: Registration) -> Schema:
    command = registration.command
    aggregate = command.NAME.partition(".")[0]
    address = {"name": "id", "in": "path", "required": True, "example": "new",
               "description": f"The {aggregate}'s id, a UUID of yours (best a UUIDv7); or `new`, and one is made.",
               "schema": {"anyOf": [{"type": "string", "format": "uuid"}, {"const": "new"}]}}  # fmt: skip
    first, _, rest = " ".join(inspect.cleandoc(command.__doc__ or "").split()).partition(". ")
    body = {"schema": {"$ref": REF.format(model=command.__name__)}, "example": example_of(registration)}
    return {
        "operationId": command.NAME,
        "tags": [DEPARTMENTS.get(aggregate, aggregate)],
        "summary": command.NAME,
        "description": f"{first.rstrip('.')}. {rest}".strip(),
        "parameters": [address, *({"$ref": f"#/components/parameters/{header['name']}"} for header in HEADERS)],
        "requestBody": {"content": {"application/json": body}},
        "responses": {"201": done("Facts were recorded."), "200": done("Nothing had to change, or a repeat.")}
        | {str(s): r for s, r in problems_for(400, 401, 403, 404, 408, 409, 410, 412, 413, 415, 422, 503, 504).items()},
    }


def _problems(status: int) -> Schema:
    errors = [error for error in known_problems() if status_of(error) == status]
    examples = {code_of(error): {"value": problem_of(error()).members} for error in errors if not _needs_more(error)}
    named = ", ".join(f"`{code_of(error)}`" for error in errors)
    return {
        "description": f"{HTTPStatus(status).phrase}: {named}.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}, "examples": examples}},
    }


def _needs_more(error: type[Exception]) -> bool:
    parameters = inspect.signature(error).parameters.values()
    return any(p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)
