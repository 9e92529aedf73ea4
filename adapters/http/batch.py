"""`POST /v1/batch`: many commands at once, each with a verdict of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import FastAPI, Header, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue
from starlette.types import Receive, Scope, Send

from adapters.http.answers import Answer, in_json
from adapters.http.bodies import make_command, parse_model, read_object
from adapters.http.commands import LONGEST_KEY, NEW, context_of, ids_of, read_key, status_of, told
from adapters.http.guards import guard_of
from adapters.http.observing import ROUTE
from adapters.http.parts import Parts
from adapters.http.principal import Caller, Principal
from adapters.http.problems import answered, problem_of
from adapters.http.schemas import BATCH_ANSWER, body_of, problems_for
from domain.decider import Command, Registration
from domain.errors import RefusedError, RelatoError
from domain.execute import Context, Outcome
from projections.disclosure import act_of, allowed

PATH = "/v1/batch"
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="The batch may be repeated: each command's own key is made from it."),
]
Ready = tuple[Registration, Mapping[str, UUID], Command, Context]


class BatchItem(BaseModel):
    """One command of a batch: its name, whom it is addressed to, and its fields under `with`."""

    model_config = ConfigDict(extra="forbid")

    command: str = Field(max_length=100, examples=["customer.register"])
    id: UUID | Literal["new"] = Field(default=NEW, description="Left out, or `new`: one is made.")
    given: dict[str, JsonValue] = Field(default={}, alias="with", examples=[{"name": "Ana Lima", "country": "PT"}])
    key: str | None = Field(default=None, min_length=1, max_length=LONGEST_KEY, description="Its own Idempotency-Key.")
    expected_version: int | None = Field(default=None, ge=0, lt=2**63)
    occurred_at: AwareDatetime | None = None


class Batch(BaseModel):
    """Decided one after the other: later ones see what earlier ones did."""

    model_config = ConfigDict(extra="forbid")

    commands: list[BatchItem] = Field(min_length=1, max_length=1_000)


class Batches:
    """In front of the router, as single commands are; the route is for the document, and for other methods."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def concerns(self, scope: Scope) -> bool:
        return bool(scope["path"] == PATH and scope["method"] == "POST")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE] = PATH
        await (await answered(self._answer(scope, receive))).send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        return await _answer(self._parts, scope, receive, await self._parts.authenticate(scope))


async def _answer(parts: Parts, scope: Scope, receive: Receive, caller: Principal) -> Answer:
    given = await read_object(parts, scope, receive)
    batch, key = parse_model(Batch, given), read_key(dict(scope["headers"]).get(b"idempotency-key"))
    return in_json({"verdicts": await parts.workers.run(_give_all, parts, caller, batch, key)})


def add_batch(app: FastAPI, parts: Parts) -> None:
    async def give_all(request: Request, caller: Caller, _: Key = None) -> Response:
        return (await _answer(parts, request.scope, request.receive, caller)).response()

    app.add_api_route(
        PATH,
        give_all,
        methods=["POST"],
        tags=["batch"],
        summary="Many commands at once",
        description="Each is accepted or refused for itself, and has a verdict in its place with the status that it"
        " would have had alone. All that is accepted is written in one transaction: after an answer 5xx nothing was,"
        " or its outcome is unknown; repeat the batch with the same Idempotency-Key.",
        operation_id="batch",
        responses={200: BATCH_ANSWER, **problems_for(400, 401, 413, 415, 422, 503, 504)},
        response_class=Response,
        openapi_extra=body_of("Batch"),
    )


def _give_all(parts: Parts, caller: Principal, batch: Batch, key: str | None) -> Sequence[Mapping[str, Any]]:
    """Blocks. What is not well formed never reaches the executor."""
    verdicts: dict[int, Mapping[str, Any]] = {}
    ready: dict[int, Ready] = {}
    for n, item in enumerate(batch.commands):
        try:
            ready[n] = _prepare(parts, caller, item, item.key or (key and f"{key}\0{n}"))
        except RelatoError as error:
            verdicts[n] = _refusal(parts, error)
    outcomes = parts.executor.execute_all([(command, context) for _, _, command, context in ready.values()])
    for (n, (registration, ids, _, _)), outcome in zip(ready.items(), outcomes, strict=True):
        verdicts[n] = _verdict(parts, registration, ids, outcome)
    return [verdicts[n] for n in range(len(batch.commands))]


def _prepare(parts: Parts, caller: Principal, item: BatchItem, key: str | None) -> Ready:
    registration = parts.executor.registry.named(item.command)
    allowed(caller.roles, act_of(item.command))
    guard = guard_of(registration, caller, is_new=item.id == NEW)
    ids = ids_of(parts, registration, str(item.id), given=item.given, principal=caller, key=key)
    context = context_of(parts, caller, key, expected_version=item.expected_version, occurred_at=item.occurred_at)
    command = make_command(registration, item.given, ids)
    if guard:
        guard(parts, caller, command)
    return registration, ids, command, context


def _verdict(
    parts: Parts, registration: Registration, ids: Mapping[str, UUID], outcome: Outcome | RefusedError
) -> Mapping[str, Any]:
    if isinstance(outcome, RefusedError):
        return _refusal(parts, outcome)
    parts.metrics.count_command(outcome)
    return {"status": status_of(outcome), **told(registration.command.NAME, ids, outcome)}


def _refusal(parts: Parts, error: RelatoError) -> Mapping[str, Any]:
    members = problem_of(error).members
    parts.metrics.count_refusal(members["code"])
    return members
