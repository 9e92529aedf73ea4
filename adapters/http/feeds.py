"""`/v1/feeds/<agreement>`: what a partner's feed holds, what is made up to build against it, and acknowledging."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.documents.feed import version_of
from adapters.http.answers import in_json
from adapters.http.bodies import parse_model, read_object
from adapters.http.feed_news import FeedNews
from adapters.http.feed_reading import LARGEST, AsAsked, FeedSource, SandboxSource, answer, require_agreement
from adapters.http.parts import Parts
from adapters.http.principal import Caller
from adapters.http.schemas import ACKNOWLEDGED_ANSWER, FEED_ANSWER, body_of, problems_for
from domain.event import Origin
from streams.feeds.acknowledging import Acknowledging
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD
from streams.feeds.sandbox import Sandbox

DESCRIPTION = (
    "Events in the form of CloudEvents 1.0, numbered without gaps by `feedseq`. What may no longer be shown comes as"
    f" `{WITHHELD}` under the same number. A `{TOMBSTONE}` says what you may no longer keep of what came `through` that"
    f" number: all, or of that `subject`, or of those `types`; what you may keep you may read again. A `{CHANGED}` says"
    " that another version of the agreement holds from there on, or that types have a newer form. Once the agreement"
    " has ended, or you are our partner no more, tombstones alone are told, until they are acknowledged.\n\n"
    "`head.feed_seq` is the feed's last number, and all that was recorded before `head.complete_until` is in it."
    " `token` is `next` with a mark of what stands there: after a restore one that is not ours any more is refused.\n\n"
    "As `text/event-stream` it is followed: `fact`, `withheld`, `tombstone` and `changed`, each with its token as id."
)
IN_SANDBOX = (
    "Made-up events of the types that the agreement shows, also before it is activated: the same each time for a"
    " version, by default the one in force, or else the newest. Their `source` ends in `/sandbox`. Pages, waiting and"
    " streams are the feed's; nothing is ever added. Nobody's data are in it, and nothing is kept."
)
ON_ACKNOWLEDGING = (
    "You did what the tombstones up to this number ask for. It is kept as a fact; where no tombstone is new, nothing"
    " is. A feed that has ended is closed with the last one."
)
Agreed = Annotated[UUID, Path(alias="agreement_id", description="The agreement whose feed it is.")]
Version = Annotated[int | None, Query(ge=1, le=100_000, description="Of the agreement.")]
PROBLEMS = problems_for(401, 403, 404, 409, 410, 422, 503)
ON_POST = problems_for(400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 503, 504)
NOT_MODIFIED: dict[str, Any] = {"description": "It is as you have it."}


class Acknowledged(BaseModel):
    """Up to which number of the feed."""

    model_config = ConfigDict(extra="forbid")

    through: Annotated[int, Field(ge=1, le=LARGEST)]


def add_feeds(app: FastAPI, parts: Parts) -> None:
    news_of = cache(lambda: FeedNews(parts.feeds.feeds.heads, parts.workers, parts.open_feed_news))

    async def read_feed(request: Request, caller: Caller, agreement_id: Agreed, asked: AsAsked) -> Response:
        await require_agreement(parts, caller, agreement_id, even_removed=True)
        return await answer(parts, request, caller, FeedSource(parts, caller, agreement_id, news_of()), asked)

    async def read_sandbox(
        request: Request, caller: Caller, agreement_id: Agreed, asked: AsAsked, version: Version = None
    ) -> Response:
        agreement = await require_agreement(parts, caller, agreement_id)
        number = version_of(agreement_id, agreement, version)
        sandbox = Sandbox(agreement_id, agreement, number, parts.feeds.source_of(agreement_id))
        events = await parts.workers.run(sandbox.events)
        return await answer(parts, request, caller, SandboxSource(events), asked)

    async def acknowledge(request: Request, caller: Caller, agreement_id: Agreed) -> Response:
        agreement = await require_agreement(parts, caller, agreement_id, even_removed=True)
        given = await read_object(parts, request.scope, request.receive)
        through = parse_model(Acknowledged, given).through
        origin = Origin.PARTNER if caller.id == str(agreement.partner_id) else Origin.COMMAND
        acknowledging = Acknowledging(parts.feeds, parts.executor, parts.vault.derive_id)
        found = await parts.workers.run(acknowledging.acknowledge, agreement_id, through, caller.id, origin)
        return in_json({"acknowledged": found}).response()

    of_partners: dict[str, Any] = {"tags": ["partners"], "response_class": Response}
    app.add_api_route(
        "/v1/feeds/{agreement_id}", read_feed, methods=["GET"], operation_id="feeds.read", summary="A partner's feed",
        description=DESCRIPTION, responses={200: FEED_ANSWER, 304: NOT_MODIFIED, **PROBLEMS}, **of_partners,
    )  # fmt: skip
    app.add_api_route(
        "/v1/feeds/{agreement_id}/sandbox", read_sandbox, methods=["GET"], operation_id="feeds.sandbox",
        summary="Made-up events in a feed's form", description=IN_SANDBOX,
        responses={200: FEED_ANSWER, 304: NOT_MODIFIED, **PROBLEMS}, **of_partners,
    )  # fmt: skip
    app.add_api_route(
        "/v1/feeds/{agreement_id}/acknowledged", acknowledge, methods=["POST"], operation_id="feeds.acknowledge",
        summary="Tombstones that were followed", description=ON_ACKNOWLEDGING, openapi_extra=body_of("Acknowledged"),
        responses={200: ACKNOWLEDGED_ANSWER, **ON_POST},
        **of_partners,
    )  # fmt: skip
