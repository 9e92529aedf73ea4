"""`POST /v1/<department>/open`: sealed values that a department's program met in its topic, opened for its own role."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.http.answers import in_json
from adapters.http.bodies import parse_model, read_object
from adapters.http.errors import BodyError
from adapters.http.parts import Parts
from adapters.http.permission import follows
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import OPENED_ANSWER, body_of, problems_for
from adapters.keys.vault import BrokenSealError
from domain.errors import KeyMissingError
from domain.personal import TOKEN_PATTERN, Sealed
from projections.disclosure import Grant
from projections.rendering import as_many_as_fit, marked
from streams.departments import DEPARTMENTS, grant_for

MOST, LONGEST = 1_000, 32 * 1024
NOT_OURS = {"pointer": "#/values", "detail": "has one that was not sealed here, or was altered"}
TOO_MUCH = {"pointer": "#/values", "detail": "are more text than is told at once; send fewer of them"}

Token = Annotated[str, Field(pattern=TOKEN_PATTERN, min_length=40, max_length=LONGEST)]


class SealedValues(BaseModel):
    """As they stand in the topic, like `s1.…`."""

    model_config = ConfigDict(extra="forbid")

    values: list[Token] = Field(min_length=1, max_length=MOST)


def add_opening(app: FastAPI, parts: Parts) -> None:
    for name in DEPARTMENTS:
        app.add_api_route(
            f"/v1/{name}/open",
            _endpoint(parts, name),
            methods=["POST"],
            dependencies=follows(name),
            operation_id=f"{name}.open",
            tags=[name],
            summary="Open sealed values",
            description=f"For programs that follow `crm.{name}.v1`, where personal values are sealed. In the order"
            " given; one that is erased, or that your roles have no business with, is null, and its place is named.",
            responses={200: OPENED_ANSWER, **problems_for(400, 401, 403, 408, 413, 415, 422, 503)},
            response_class=Response,
            openapi_extra=body_of("SealedValues"),
        )


def _endpoint(parts: Parts, department: str) -> Callable[..., Any]:
    async def open_values(request: Request, caller: Caller) -> Response:
        # by ourselves: FastAPI would read and parse a body before it asks whose it is
        grant, given = grant_for(caller.roles, department), await read_object(parts, request.scope, request.receive)
        values = [Sealed(value) for value in parse_model(SealedValues, given).values]
        return in_json(await parts.workers.run(_open, parts, caller, grant, values)).response()

    return open_values


def _open(parts: Parts, caller: Principal, grant: Grant, values: Sequence[Sealed]) -> Any:
    each = parts.disclosure(caller, grant).open_each([{"value": value} for value in values])
    try:
        told = as_many_as_fit(zip(values, each, strict=True))
    except (KeyMissingError, BrokenSealError, binascii.Error, ValueError) as error:
        raise BodyError([NOT_OURS]) from error
    if len(told) < len(values):
        raise BodyError([TOO_MUCH])
    return marked({"values": [one["value"] for _, one in told]})
