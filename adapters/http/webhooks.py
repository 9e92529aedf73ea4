"""`/v1/webhooks/<endpoint>`: how its deliveries go, a ping, entries once more, and what verifies the messages."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.http.answers import in_json
from adapters.http.bodies import parse_model, read_object
from adapters.http.errors import BodyError
from adapters.http.parts import Parts
from adapters.http.permission import permits
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import OBJECT, answer, body_of, problems_for
from domain.access.facts import Rows
from domain.endpoint.decider import Endpoint
from domain.errors import UnknownError
from projections.disclosure import allowed

PAGE, LARGEST_PAGE = 50, 1_000
LARGEST = 2**63 - 1
Named = Annotated[UUID, Path(alias="endpoint_id", description="The endpoint.")]
PageLimit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many attempts at most, the newest first.")]
Before = Annotated[int, Query(ge=1, le=LARGEST, description="Those whose `number` is below this one.")]
ON_POST = problems_for(400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 503)
ON_LOG = (
    "Where the endpoint stands: `taken` is the last number of the feed that it answered with 2xx, `head` the feed's"
    " last one, `due` when it is tried again. Then the last attempts, the newest first; a thousand are kept, for thirty"
    " days."
)
ON_PING = "A message of the type `crm.feed.ping.v1`, without `feedseq`: once, also where the endpoint is disabled."
ON_VERIFYING = "The newest secret as `whsec_…`, or where messages are signed with ed25519 the public key as `whpk_…`."
ON_RESEND = (
    "Entries that were taken once are sent once more, as they may be shown now, under the ids they had; it ends at the"
    " first that is not taken. What comes new is delivered beside."
)


class Resent(BaseModel):
    """Which entries, by their `feedseq`; without `through` it is one."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Annotated[int, Field(alias="from", ge=1, le=LARGEST)]
    through: Annotated[int, Field(ge=1, le=LARGEST)] | None = None


def add_webhooks(app: FastAPI, parts: Parts) -> None:
    async def read_log(
        caller: Caller, endpoint_id: Named, *, limit: PageLimit = PAGE, before: Before = LARGEST
    ) -> Response:
        await _require(parts, caller, endpoint_id)
        book = parts.webhooks.book
        standings = await parts.workers.run(book.standings, [endpoint_id])
        attempts = await parts.workers.run(book.log, endpoint_id, before=before, limit=limit)
        standing = standings[endpoint_id]._asdict() if endpoint_id in standings else None
        return in_json({"standing": standing, "attempts": [one._asdict() for one in attempts]}).response()

    async def ping(caller: Caller, endpoint_id: Named) -> Response:
        await _require(parts, caller, endpoint_id)
        return await _ask(parts, caller, endpoint_id)

    async def resend(request: Request, caller: Caller, endpoint_id: Named) -> Response:
        await _require(parts, caller, endpoint_id)
        asked = parse_model(Resent, await read_object(parts, request.scope, request.receive))
        last = asked.first if asked.through is None else asked.through
        if last < asked.first:
            raise BodyError([{"pointer": "#/through", "detail": "should not be below `from`"}])
        return await _ask(parts, caller, endpoint_id, asked.first, last)

    async def read_secret(caller: Caller, endpoint_id: Named) -> Response:
        endpoint = await _require(parts, caller, endpoint_id)
        shown = await parts.workers.run(parts.webhooks.shown, endpoint_id, endpoint)
        return in_json({"verifies_with": shown}, headers={"Cache-Control": "no-store"}).response()

    of_all: dict[str, Any] = {"tags": ["partners"], "response_class": Response}
    app.add_api_route(
        "/v1/webhooks/{endpoint_id}/log", read_log, methods=["GET"], operation_id="webhooks.log",
        summary="An endpoint's deliveries", description=ON_LOG, dependencies=permits("feeds"),
        responses={200: answer("The standing, and attempts.", OBJECT), **problems_for(401, 403, 404, 410, 422, 503)},
        **of_all,
    )  # fmt: skip
    app.add_api_route(
        "/v1/webhooks/{endpoint_id}/ping", ping, methods=["POST"], operation_id="webhooks.ping", status_code=202,
        summary="A signed message that is no entry", description=ON_PING, dependencies=permits("feeds"),
        responses={202: answer("It is sent within a second; the log tells.", OBJECT), **ON_POST}, **of_all,
    )  # fmt: skip
    app.add_api_route(
        "/v1/webhooks/{endpoint_id}/resend", resend, methods=["POST"], operation_id="webhooks.resend", status_code=202,
        summary="Entries once more", description=ON_RESEND, dependencies=permits("feeds"),
        openapi_extra=body_of("Resent"),
        responses={202: answer("They are sent beside what comes new; the log tells.", OBJECT), **ON_POST}, **of_all,
    )  # fmt: skip
    app.add_api_route(
        "/v1/webhooks/{endpoint_id}/secret", read_secret, methods=["GET"], operation_id="webhooks.secret",
        summary="What verifies an endpoint's messages", description=ON_VERIFYING, dependencies=permits("operates"),
        responses={200: answer("A secret, or of ed25519 the public key.", OBJECT),
                   **problems_for(401, 403, 404, 410, 422, 503)},
        **of_all,
    )  # fmt: skip


async def _require(parts: Parts, caller: Principal, endpoint_id: UUID) -> Endpoint:
    """Raises UnknownError, of another partner's too; RemovedError."""
    endpoint = await parts.workers.run(parts.webhooks.find, endpoint_id)
    if allowed(caller.roles, "feeds").rows is not Rows.ALL:
        assert endpoint.agreement_id is not None
        agreement = await parts.workers.run(parts.feeds.agreement, endpoint.agreement_id)
        if caller.id != str(agreement.partner_id):
            raise UnknownError(endpoint=endpoint_id)
    return endpoint


async def _ask(
    parts: Parts, caller: Principal, endpoint_id: UUID, first: int | None = None, last: int | None = None
) -> Response:
    errand = await parts.workers.run(parts.webhooks.book.ask, endpoint_id, caller.id, first, last)
    return in_json({"errand": errand}, 202, {"Location": f"/v1/webhooks/{endpoint_id}/log"}).response()
