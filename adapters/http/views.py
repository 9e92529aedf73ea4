"""`GET /v1/<department>/<read-model>`, for every view of the catalogue."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import FastAPI, Header, Query, Request, Response

from adapters.http.answers import Answer, in_json
from adapters.http.cursors import asked_of
from adapters.http.errors import UnacceptableError
from adapters.http.freshness import await_folded
from adapters.http.live_pages import Bookmarks, LivePage, Shots
from adapters.http.paging import Page, read_view
from adapters.http.parts import Parts
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import problems_for, rows_schema
from adapters.http.sse import EVENT_STREAM, EventStream
from adapters.http.standing import is_still
from projections.asking import AskedWrongError, ask
from projections.catalogue import VIEWS, Shown
from projections.disclosure import seen
from projections.rendering import in_cell, marked

PAGE, LARGEST_PAGE = 50, 1_000
CSV = "text/csv; charset=utf-8"
LIVE = (
    "As `text/event-stream` the page is followed: an event `snapshot` with the page and its token, then `changed` with"
    " the rows that are new or have changed and the keys of those that are `gone`, at most once a second; `tick` is the"
    " same once a minute, for what depends on the time."
)
Filters = Annotated[
    list[str],
    Query(
        alias="filter",
        description="`column=value`, or `!=` `>=` `<=`, or `~` for contains; `column=` asks for rows without a value."
        " May be repeated; all must hold. Of sealed columns only `=` `!=` `~` can be asked.",
        max_length=50,
    ),
]
Sort = Annotated[str | None, Query(description="Columns with commas, `-column` for descending.", max_length=500)]
Cursor = Annotated[str | None, Query(description="`next` of the page before.", max_length=4_000)]
PageLimit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many rows at most.")]
Form = Literal["json", "csv", "live"]
FORMS: Mapping[str, Form] = {
    "*/*": "json",
    "application/*": "json",
    "application/json": "json",
    "text/csv": "csv",
    "text/*": "csv",
    EVENT_STREAM: "live",
}
Format = Annotated[Form | None, Query(alias="format", description="Instead of the header Accept.")]
OfCustomer = Annotated[
    UUID | None,
    Query(alias="customer", description="This customer's only, under every id of theirs."),
]
Token = Annotated[
    str | None,
    Header(
        alias="Relato-Token",
        description="Of a write: waits until the read model has it.",
        max_length=4_000,
    ),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="Of a page that is followed: the token you have; what has changed since comes first.",
        max_length=100,
    ),
]


def add_views(app: FastAPI, parts: Parts) -> None:
    shots, bookmarks = Shots(), Bookmarks(parts)
    for shown in VIEWS.values():
        view = shown.view
        app.add_api_route(
            f"/v1/{shown.service}/{view.name}",
            _endpoint(parts, shown, shots, bookmarks),
            methods=["GET"],
            name=view.name,
            operation_id=f"{shown.service}.{view.name}",
            tags=[shown.service],
            summary=view.title,
            description=f"{view.help}\n\n{LIVE}",
            responses={200: rows_schema(view), **problems_for(401, 403, 406, 422, 503)},
            response_class=Response,
        )


def _endpoint(parts: Parts, shown: Shown, shots: Shots, bookmarks: Bookmarks) -> Callable[..., Any]:
    async def read(
        request: Request,
        caller: Caller,
        *,
        filters: Filters = [],  # noqa: B006 FastAPI makes a new one for each request
        sort: Sort = None,
        cursor: Cursor = None,
        limit: PageLimit = PAGE,
        customer_id: OfCustomer = None,
        format_: Format = None,
        token: Token = None,
        last_id: LastEventId = None,
    ) -> Response:
        question = ask(shown.view, seen(caller.roles, shown.service), caller, filters, sort)
        _check_customer(shown, customer_id)
        form = _form(format_, request.headers.get("accept", "*/*"))
        await await_folded(parts, shown.service, token)

        async def read_page() -> Page:
            place: dict[str, Any] = {"limit": limit, "cursor": cursor, "customer_id": customer_id}
            return await parts.workers.run(read_view, parts, caller, shown.service, question, **place)

        if form == "live":
            asked_as = repr((shown.service, asked_of(question, customer_id), limit, cursor, caller))
            page = LivePage(shown.view, asked_as, shots, read_page, partial(bookmarks.read, shown.service))
            return await _stream(parts, request, caller, page, last_id)
        return _answer(request, shown, await read_page(), is_csv=form == "csv").response()

    return read


def _check_customer(shown: Shown, customer_id: UUID | None) -> None:
    if customer_id and not shown.view.subject and "customer_id" not in shown.view.columns:
        raise AskedWrongError(f"{shown.view.name} is not told by customer", parameter="customer")


def _form(format_: Form | None, accept: str) -> Form:
    if format_:
        return format_
    kinds = [kind.partition(";")[0].strip() for kind in accept.split(",")]
    for kind in kinds:
        if kind in FORMS:
            return FORMS[kind]
    raise UnacceptableError(accept=accept)


async def _stream(parts: Parts, request: Request, caller: Principal, page: LivePage, token: str | None) -> Response:
    parts.streams.check_room()
    await page.begin(token)
    messages = page.messages(parts.limits, partial(is_still, parts, request.scope, caller))
    return EventStream(messages, parts.streams, parts.limits.stalled_s)


def _answer(request: Request, shown: Shown, page: Page, *, is_csv: bool) -> Answer:
    headers = {"Link": f'<{_next_url(request, page.next)}>; rel="next"'} if page.next else {}
    if is_csv:
        return Answer(_in_csv(shown.view.columns, page.rows), headers=headers, media_type=CSV)
    return in_json({"rows": [marked(row, shown.view.sealed) for row in page.rows], "next": page.next}, headers=headers)


def _next_url(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _in_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([in_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue().encode()
