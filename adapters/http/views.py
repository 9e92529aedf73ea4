"""`GET /v1/<department>/<read-model>`, for every view of the catalogue."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import FastAPI, Header, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.types import Receive, Scope, Send

from adapters.http.answers import Answer, in_json
from adapters.http.cursors import Cursor, asked_of
from adapters.http.errors import UnacceptableError
from adapters.http.freshness import await_folded
from adapters.http.live_pages import Bookmarks, LivePage, Shots
from adapters.http.observing import ROUTE
from adapters.http.paging import Page, read_view
from adapters.http.parts import Parts
from adapters.http.principal import Caller, Principal
from adapters.http.problems import answered
from adapters.http.schemas import problems_for, rows_schema
from adapters.http.sse import EVENT_STREAM, EventStream
from adapters.http.standing import is_still
from projections.asking import AskedWrongError, Question, ask
from projections.catalogue import VIEWS, Shown
from projections.disclosure import seen
from projections.rendering import in_cell, marked

PAGE, LARGEST_PAGE, LONGEST_TOKEN = 50, 1_000, 4_000
ASKED = "relato.asked"  # what a request asks for, in its scope
CSV = "text/csv; charset=utf-8"
LIVE = (
    "As `text/event-stream` the page is followed: an event `snapshot` with the page and its token, then `changed` with"
    " the rows that are new or have changed and the keys of those that are `gone`, at most once a second; `tick` is the"
    " same once a minute, for what depends on the time."
)
Form = Literal["json", "csv", "live"]
FORMS: Mapping[str, Form] = {
    "*/*": "json",
    "application/*": "json",
    "application/json": "json",
    "text/csv": "csv",
    "text/*": "csv",
    EVENT_STREAM: "live",
}


class Asked(BaseModel):
    """What a page is asked for with, in the query."""

    filters: list[str] = Field(
        [],
        alias="filter",
        description="`column=value`, or `!=` `>=` `<=`, or `~` for contains; `column=` asks for rows without a value."
        " May be repeated; all must hold. Of sealed columns only `=` `!=` `~` can be asked.",
        max_length=50,
    )
    sort: str | None = Field(None, description="Columns with commas, `-column` for descending.", max_length=500)
    cursor: Cursor = None
    limit: int = Field(PAGE, ge=1, le=LARGEST_PAGE, description="So many rows at most.")
    customer_id: UUID | None = Field(
        None, alias="customer", description="This customer's only, under every id of theirs."
    )
    format_: Form | None = Field(None, alias="format", description="Instead of the header Accept.")


LISTS = frozenset({"filter"})
Token = Annotated[
    str | None,
    Header(
        alias="Relato-Token",
        description="Of a write: waits until the read model has it.",
        max_length=LONGEST_TOKEN,
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


class _Pages:
    """One view, page by page."""

    def __init__(self, parts: Parts, shown: Shown) -> None:
        self._parts, self.shown = parts, shown

    def question(self, caller: Principal, asked: Asked) -> Question:
        """Raises NotAllowedError, InvalidError."""
        question = ask(self.shown.view, seen(caller.roles, self.shown.service), caller, asked.filters, asked.sort)
        _check_customer(self.shown, asked.customer_id)
        return question

    async def read(self, caller: Principal, question: Question, asked: Asked) -> Page:
        return await self._parts.workers.run(self._read, caller, question, asked)

    async def answer(self, scope: Scope, caller: Principal, asked: Asked, form: Form, token: str | None) -> Answer:
        question = self.question(caller, asked)
        await await_folded(self._parts, self.shown.service, token)
        return await self._parts.workers.run(self._answer, scope, caller, question, asked, is_csv=form == "csv")

    def _read(self, caller: Principal, question: Question, asked: Asked) -> Page:
        """Blocks."""
        place: dict[str, Any] = {"limit": asked.limit, "cursor": asked.cursor, "customer_id": asked.customer_id}
        return read_view(self._parts, caller, self.shown.service, question, **place)

    def _answer(self, scope: Scope, caller: Principal, question: Question, asked: Asked, *, is_csv: bool) -> Answer:
        """Blocks: a page may have 32 MiB."""
        return _answer(scope, self.shown, self._read(caller, question, asked), is_csv=is_csv)


class Views:
    """Whole pages behind one look-up, in front of the router: its way through the layers costs as much as the page.

    What is followed, or asked in a way that is refused, is left to the router.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._by_path = {_path_of(shown): _Pages(parts, shown) for shown in VIEWS.values()}

    def concerns(self, scope: Scope) -> bool:
        if scope["method"] != "GET" or scope["path"] not in self._by_path:
            return False
        scope[ASKED] = asked = _read_asked(scope)
        return asked is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 it has no body
        await (await answered(self._answer(scope))).send(send)

    async def _answer(self, scope: Scope) -> Answer:
        scope[ROUTE] = scope["path"]
        caller = await self._parts.authenticate(scope)
        return await self._by_path[scope["path"]].answer(scope, caller, *scope[ASKED])


def _read_asked(scope: Scope) -> tuple[Asked, Form, str | None] | None:
    """As the router would read it; None for what it answers itself."""
    headers, given = dict(scope["headers"]), dict[str, Any]()
    for name, value in _query_of(scope):
        if name in LISTS:
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    try:
        asked = Asked.model_validate(given)
        form = _form(asked.format_, headers.get(b"accept", b"*/*").decode("latin-1"))
    except (ValidationError, UnacceptableError):
        return None
    token = headers.get(b"relato-token", b"").decode("latin-1")
    return None if form == "live" or len(token) > LONGEST_TOKEN else (asked, form, token)


def _path_of(shown: Shown) -> str:
    return f"/v1/{shown.service}/{shown.view.name}"


def add_views(app: FastAPI, parts: Parts) -> None:
    shots, bookmarks = Shots(), Bookmarks(parts)
    for shown in VIEWS.values():
        view = shown.view
        app.add_api_route(
            _path_of(shown),
            _endpoint(parts, _Pages(parts, shown), shots, bookmarks),
            methods=["GET"],
            name=view.name,
            operation_id=f"{shown.service}.{view.name}",
            tags=[shown.service],
            summary=view.title,
            description=f"{view.help}\n\n{LIVE}",
            responses={200: rows_schema(view), **problems_for(401, 403, 406, 422, 503)},
            response_class=Response,
        )


def _endpoint(parts: Parts, pages: _Pages, shots: Shots, bookmarks: Bookmarks) -> Callable[..., Any]:
    async def read(
        request: Request,
        caller: Caller,
        *,
        asked: Annotated[Asked, Query()],
        token: Token = None,
        last_id: LastEventId = None,
    ) -> Response:
        form = _form(asked.format_, request.headers.get("accept", "*/*"))
        if form != "live":
            return (await pages.answer(request.scope, caller, asked, form, token)).response()
        question, service = pages.question(caller, asked), pages.shown.service
        await await_folded(parts, service, token)
        read_page, marks = partial(pages.read, caller, question, asked), partial(bookmarks.read, service)
        asked_as = repr((service, asked_of(question, asked.customer_id), asked.limit, asked.cursor, caller))
        page = LivePage(pages.shown.view, asked_as, shots, read_page, marks)
        return await _stream(parts, request, caller, page, last_id)

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


def _answer(scope: Scope, shown: Shown, page: Page, *, is_csv: bool) -> Answer:
    headers = {"Link": f'<{_next_url(scope, page.next)}>; rel="next"'} if page.next else {}
    if is_csv:
        return Answer(_in_csv(shown.view.columns, page.rows), headers=headers, media_type=CSV)
    return in_json({"rows": [marked(row, shown.view.sealed) for row in page.rows], "next": page.next}, headers=headers)


def _next_url(scope: Scope, cursor: str) -> str:
    kept = [(name, value) for name, value in _query_of(scope) if name != "cursor"]
    return f"{scope['path']}?{urlencode([*kept, ('cursor', cursor)])}"


def _query_of(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _in_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([in_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue().encode()
