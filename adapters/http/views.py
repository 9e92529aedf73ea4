"""`GET /v1/<department>/<read-model>`, for every view of the catalogue."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Query, Request, Response

from adapters.http.answers import Answer, in_json
from adapters.http.errors import UnacceptableError
from adapters.http.freshness import await_folded
from adapters.http.paging import Page, read_view
from adapters.http.parts import Parts
from adapters.http.principal import Principal, principal_of
from adapters.http.schemas import problems_for, rows_schema
from projections.asking import AskedWrongError, ask
from projections.catalogue import VIEWS, Shown
from projections.disclosure import seen
from projections.rendering import as_text, marked

PAGE, LARGEST_PAGE = 50, 1_000
CSV = "text/csv; charset=utf-8"
Caller = Annotated[Principal, Depends(principal_of)]
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
Format = Annotated[Literal["json", "csv"] | None, Query(alias="format", description="Instead of the header Accept.")]
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


def add_views(app: FastAPI, parts: Parts) -> None:
    for shown in VIEWS.values():
        view = shown.view
        app.add_api_route(
            f"/v1/{shown.service}/{view.name}",
            _endpoint(parts, shown),
            methods=["GET"],
            name=view.name,
            operation_id=f"{shown.service}.{view.name}",
            tags=[shown.service],
            summary=view.title,
            description=view.help,
            responses={200: rows_schema(view), **problems_for(401, 403, 406, 422, 503)},
            response_class=Response,
        )


def _endpoint(parts: Parts, shown: Shown) -> Callable[..., Any]:
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
    ) -> Response:
        question = ask(shown.view, seen(caller.roles, shown.service), caller.id, filters, sort)
        _check_customer(shown, customer_id)
        is_csv = _wants_csv(format_, request.headers.get("accept", "*/*"))
        await await_folded(parts, shown.service, token)
        page = await parts.workers.run(
            read_view, parts, caller, shown.service, question, limit=limit, cursor=cursor, customer_id=customer_id
        )
        return _answer(request, shown, page, is_csv=is_csv).response()

    return read


def _check_customer(shown: Shown, customer_id: UUID | None) -> None:
    if customer_id and not shown.view.subject and "customer_id" not in shown.view.columns:
        raise AskedWrongError(f"{shown.view.name} is not told by customer", parameter="customer")


def _wants_csv(format_: str | None, accept: str) -> bool:
    if format_:
        return format_ == "csv"
    kinds = [kind.partition(";")[0].strip() for kind in accept.split(",")]
    for kind in kinds:
        if kind in {"*/*", "application/*", "application/json"}:
            return False
        if kind in {"text/csv", "text/*"}:
            return True
    raise UnacceptableError(accept=accept)


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
    writer.writerows([as_text(row[column]) for column in columns] for row in rows)
    return text.getvalue().encode()
