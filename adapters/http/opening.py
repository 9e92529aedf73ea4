"""`POST /v1/<department>/open`: sealed values that a department's program met in its topic, opened for its own role."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.http.answers import in_json
from adapters.http.errors import BodyError
from adapters.http.parts import Parts
from adapters.http.permission import follows
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import OPENED_ANSWER, problems_for
from adapters.keys.vault import BrokenSealError
from domain.errors import KeyMissingError
from domain.personal import TOKEN_PATTERN, Sealed
from projections.disclosure import Grant
from projections.rendering import marked
from streams.departments import DEPARTMENTS, grant_for

MOST, LONGEST = 1_000, 32 * 1024
NOT_OURS = {"pointer": "#/values", "detail": "has one that was not sealed here, or was altered"}

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
            responses={200: OPENED_ANSWER, **problems_for(400, 401, 403, 413, 422, 503)},
            response_class=Response,
        )


def _endpoint(parts: Parts, department: str) -> Callable[..., Any]:
    async def open_values(caller: Caller, given: SealedValues) -> Response:
        grant = grant_for(caller.roles, department)
        values = [Sealed(value) for value in given.values]
        return in_json(await parts.workers.run(_open, parts, caller, grant, values)).response()

    return open_values


def _open(parts: Parts, caller: Principal, grant: Grant, values: Sequence[Sealed]) -> Any:
    try:
        [opened] = parts.disclosure(caller, grant).open_within([{"values": values}])
    except (KeyMissingError, BrokenSealError, binascii.Error, ValueError) as error:
        raise BodyError([NOT_OURS]) from error
    return marked(opened)
