"""The documents of a partner's feed: what exactly it is told and may send under a version of its agreement, and how."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path, Response

from adapters.documents.feed import Document, FeedDocuments, version_of
from adapters.http.answers import in_json
from adapters.http.errors import NoRouteError
from adapters.http.feed_reading import require_agreement
from adapters.http.feeds import Agreed, Version
from adapters.http.parts import Parts
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import OBJECT, problems_for
from adapters.http.schemas import answer as answered

OF_A_VERSION = "Of the version that is asked for; else of the one in force, or before any is, of the newest."
Type = Annotated[str, Path(max_length=200, description="An event's type, as crm.order.placed.v1, or partner.lead.v1.")]


def add_feed_documents(app: FastAPI, parts: Parts) -> None:
    async def find(caller: Principal, agreement_id: Agreed, version: int | None) -> FeedDocuments:
        agreement = await require_agreement(parts, caller, agreement_id, even_removed=True)
        number = version_of(agreement_id, agreement, version)
        topics = await parts.workers.run(parts.open_topics, agreement_id)
        return FeedDocuments(agreement_id, agreement, number, parts.feeds.source_of(agreement_id), topics)

    async def read_asyncapi(caller: Caller, agreement_id: Agreed, version: Version = None) -> Response:
        found = await find(caller, agreement_id, version)
        return _answer(await parts.workers.run(lambda: found.asyncapi))

    async def read_openapi(caller: Caller, agreement_id: Agreed, version: Version = None) -> Response:
        found = await find(caller, agreement_id, version)
        return _answer(await parts.workers.run(lambda: found.openapi))

    async def read_schemas(caller: Caller, agreement_id: Agreed, version: Version = None) -> Response:
        found = await find(caller, agreement_id, version)
        return _answer(await parts.workers.run(lambda: found.schema))

    async def read_schema(caller: Caller, agreement_id: Agreed, type_: Type, version: Version = None) -> Response:
        found = await find(caller, agreement_id, version)
        schemas = await parts.workers.run(lambda: found.schemas)
        if type_ not in schemas:
            raise NoRouteError(type=type_)
        return _answer(schemas[type_])

    for path, read, name, summary in (
        ("asyncapi.json", read_asyncapi, "asyncapi", "A feed's messages, as AsyncAPI 3"),
        ("openapi.json", read_openapi, "openapi", "A feed's requests, as OpenAPI 3.1"),
        ("schemas.json", read_schemas, "schemas", "One JSON Schema that each event of a feed fulfils"),
        ("schemas/{type_}.json", read_schema, "schema", "The JSON Schema of the events of one type"),
    ):
        more: dict[str, Any] = {"tags": ["partners"], "response_class": Response}
        app.add_api_route(
            f"/v1/feeds/{{agreement_id}}/{path}", read, methods=["GET"], operation_id=f"feeds.{name}", summary=summary,
            description=OF_A_VERSION, responses={200: answered("The document.", OBJECT),
                                                 **problems_for(401, 403, 404, 422, 503)}, **more,
        )  # fmt: skip


def _answer(document: Document) -> Response:
    return in_json(document, headers={"Cache-Control": "private, no-cache"}).response()
