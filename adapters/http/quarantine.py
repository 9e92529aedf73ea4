"""`/v1/quarantine`: partners' refused events, looked at, mended, tried again or discarded by an administrator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, JsonValue

from adapters.http.answers import in_json
from adapters.http.bodies import parse_model, read_object
from adapters.http.errors import BodyError
from adapters.http.inbound import PAGE, After, InState, PageLimit, told
from adapters.http.inbound_schemas import HELD_ANSWER, VERDICT
from adapters.http.parts import Parts
from adapters.http.permission import permits
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import OBJECT, Schema, answer, body_of, problems_for
from projections.disclosure import allowed
from streams.inbound.quarantine import State
from streams.inbound.telling import tell_names, tell_whole

ACT = "operates"  # who mends an event says what the partner did not
HeldId = Annotated[UUID, Path(alias="held_id", description="As the verdict named it under `held`.")]
OfAgreement = Annotated[UUID | None, Query(alias="agreement", description="Only those of this agreement.")]
ONE = answer("The event, with all that is held of it.", OBJECT)


class Mended(BaseModel):
    """One of them: other data for the event, or all of the event anew."""

    model_config = ConfigDict(extra="forbid")

    data: dict[str, JsonValue] | None = None
    event: dict[str, JsonValue] | None = None


def add_quarantine(app: FastAPI, parts: Parts) -> None:
    def add(path: str, endpoint: Callable[..., Any], responses: dict[int | str, Schema], **more: Any) -> None:
        responses = responses | problems_for(400, 401, 403, 404, 408, 409, 413, 415, 422, 503)
        app.add_api_route(f"/v1/quarantine{path}", endpoint, responses=responses, tags=["partners"],
                          response_class=Response, dependencies=permits(ACT), **more)  # fmt: skip

    add(
        "", _list(parts), {200: HELD_ANSWER},
        methods=["GET"], operation_id="quarantine", summary="Events of partners that were refused",
        description="In the order in which they came first, with what was wrong the last time.",
    )  # fmt: skip
    add(
        "/{held_id}", _look(parts), {200: ONE},
        methods=["GET"], operation_id="quarantine.read", summary="A refused event",
        description="With what is in it, opened; that you read it is noted.",
    )  # fmt: skip
    add(
        "/{held_id}/mend", _mend(parts), {200: ONE},
        methods=["POST"], operation_id="quarantine.mend", summary="Mend a refused event",
        description="Other data are held in its place; replay it then.", openapi_extra=body_of("Mended"),
    )  # fmt: skip
    add(
        "/{held_id}/replay", _replay(parts), {200: answer("The verdict.", VERDICT)},
        methods=["POST"], operation_id="quarantine.replay", summary="Try a refused event again",
        description="As if the partner had sent it again: taken, it counts as the event with its source and id. What"
        " was mended is recorded as given by who mended it.",
    )  # fmt: skip
    add(
        "/{held_id}/discard", _discard(parts), {200: ONE},
        methods=["POST"], operation_id="quarantine.discard", summary="Discard a refused event",
        description="The partner sees that it was; what was in it is gone.",
    )  # fmt: skip


def _list(parts: Parts) -> Callable[..., Any]:
    async def list_held(
        caller: Caller,
        *,
        agreement_id: OfAgreement = None,
        state: InState = "held",
        after: After = 0,
        limit: PageLimit = PAGE,
    ) -> Response:
        def read() -> Mapping[str, Any]:
            held = parts.intake.quarantine.read(agreement_id, state and State(state), after=after, limit=limit)
            return {"refused": tell_names(held, _opening(parts, caller)), "next": held[-1].seq if held else after}

        return in_json(await parts.workers.run(read)).response()

    return list_held


def _look(parts: Parts) -> Callable[..., Any]:
    async def look(caller: Caller, held_id: HeldId) -> Response:
        return in_json(await parts.workers.run(_whole, parts, caller, held_id)).response()

    return look


def _mend(parts: Parts) -> Callable[..., Any]:
    async def mend(request: Request, caller: Caller, held_id: HeldId) -> Response:
        given = parse_model(Mended, await read_object(parts, request.scope, request.receive))
        if (given.data is None) is (given.event is None):
            raise BodyError([{"pointer": "#", "detail": "give `data`, or all of the `event`"}])
        do = parts.mending.mend
        await parts.workers.run(do, held_id, caller.id, data=given.data, event=given.event)
        return in_json(await parts.workers.run(_whole, parts, caller, held_id)).response()

    return mend


def _replay(parts: Parts) -> Callable[..., Any]:
    async def replay(caller: Caller, held_id: HeldId) -> Response:
        verdict = await parts.workers.run(parts.mending.replay, held_id, caller.id)
        return in_json(told(None, verdict)).response()

    return replay


def _discard(parts: Parts) -> Callable[..., Any]:
    async def discard(caller: Caller, held_id: HeldId) -> Response:
        await parts.workers.run(parts.mending.discard, held_id, caller.id)
        return in_json(await parts.workers.run(_whole, parts, caller, held_id)).response()

    return discard


def _whole(parts: Parts, caller: Principal, held_id: UUID) -> Mapping[str, Any]:
    return tell_whole(parts.mending.find(held_id), _opening(parts, caller))


def _opening(parts: Parts, caller: Principal) -> Any:
    return parts.disclosure(caller, allowed(caller.roles, ACT)).open_within
