"""`GET /v1/search`: customers, contacts, interactions and tickets by what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Response

from adapters.http.answers import in_json
from adapters.http.cursors import Cursor, read_cursor, write_cursor
from adapters.http.freshness import await_folded
from adapters.http.parts import Parts
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import FOUND_ANSWER, problems_for
from adapters.http.views import Token
from projections.rendering import marked
from projections.search.answer import Behind, Hit, find, tell
from projections.search.fields import Kind
from projections.search.question import LONGEST, Search, search_for
from projections.search.service import NAME

PAGE, LARGEST_PAGE = 20, 100
Words = Annotated[
    str | None,
    Query(description=f"Words, an e-mail address, a telephone number; {LONGEST} characters.", examples=["lima"]),
]
Kinds = Annotated[list[Kind], Query(alias="kind", description="Only these; may be repeated.", max_length=10)]
PageLimit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many at most.")]


def add_search(app: FastAPI, parts: Parts) -> None:
    async def search(
        caller: Caller,
        *,
        q: Words = None,
        kinds: Kinds = [],  # noqa: B006 FastAPI makes a new one for each request
        limit: PageLimit = PAGE,
        cursor: Cursor = None,
        token: Token = None,
    ) -> Response:
        asked = search_for(q, kinds, caller.roles, caller)
        await await_folded(parts, NAME, token)
        found = await parts.workers.run(_search, parts, caller, asked, limit=limit, cursor=cursor)
        return in_json(found).response()

    app.add_api_route(
        "/v1/search",
        search,
        methods=["GET"],
        tags=["customers"],
        operation_id="search",
        summary="Search",
        description="Whatever is spelt so or similarly, the best first: each word must be found in the same customer,"
        " contact, interaction or ticket. E-mail addresses and telephone numbers are found in whichever form they were"
        " written. Your roles say what is searched, and whose.",
        responses={200: FOUND_ANSWER, **problems_for(401, 403, 422, 503)},
        response_class=Response,
    )


def _search(parts: Parts, caller: Principal, search: Search, *, limit: int, cursor: str | None) -> Mapping[str, Any]:
    asked = repr(([one.text for one in search.asked], search.kinds, [(s.fields, s.owners) for s in search.shares]))
    behind = None if cursor is None else _behind(read_cursor(parts.vault, asked, cursor))
    read = partial(parts.pages.search, kinds=search.kinds, shares=search.shares, behind=behind, limit=limit + 1)
    page, last = _page(find(search, parts.vault, read, behind, limit + 1), limit)
    told = tell(search, page, partial(parts.disclosure, caller))
    after = last and write_cursor(parts.vault, asked, [str(part) for part in last])
    return {"rows": [marked(row) for row in told], "next": after}


def _behind(place: Sequence[str | None]) -> Behind:
    score, thing_id, kind = map(str, place)
    return Behind(int(score), UUID(thing_id), kind)


def _place_of(hit: Hit) -> Behind:
    return Behind(hit.score, hit.thing_id, hit.kind)


def _page(hits: Sequence[Hit], limit: int) -> tuple[Sequence[Hit], Behind | None]:
    """The texts of so many things, and the last thing if there are more."""
    things = [(place, list(texts)) for place, texts in groupby(hits, _place_of)]
    shown = things[:limit]
    return [hit for _, texts in shown for hit in texts], shown[-1][0] if len(things) > limit else None
