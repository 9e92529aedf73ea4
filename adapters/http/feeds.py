"""`GET /v1/feeds/<agreement>`: what a partner's feed holds, page by page, waiting for more, or as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import cache, partial
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Header, Path, Query, Request, Response
from pydantic_core import to_json

from adapters.http.answers import in_json
from adapters.http.feed_news import FeedNews
from adapters.http.parts import Parts
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import FEED_ANSWER, problems_for
from adapters.http.sse import EVENT_STREAM, EventStream, message, paced
from adapters.http.standing import is_still
from domain.access.facts import Rows
from domain.errors import UnknownError
from projections.disclosure import IN_FEEDS, allowed
from streams.feeds.delivery import FeedPage
from streams.feeds.disclosing import TOMBSTONE, WITHHELD, CloudEvent

PAGE, LARGEST_PAGE = 100, 1_000
LONGEST_WAIT_S = 30
LARGEST = 2**63 - 1
PAUSE_S = 1.0
DESCRIPTION = (
    "Events in the form of CloudEvents 1.0, numbered without gaps by `feedseq`. What may no longer be shown comes as"
    f" `{WITHHELD}` under the same number. A `{TOMBSTONE}` says what you may no longer keep of what came `through` that"
    " number: all, or of that `subject`, or of those `types`; what you may keep you may read again.\n\n"
    "`head.feed_seq` is the feed's last number, and all that was recorded before `head.complete_until` is in it. As"
    " `text/event-stream` the feed is followed: `fact`, `withheld` and `tombstone` with the number as the id."
)
KINDS = {WITHHELD: "withheld", TOMBSTONE: "tombstone"}

Agreed = Annotated[UUID, Path(alias="agreement_id", description="The agreement whose feed it is.")]
After = Annotated[int, Query(ge=0, le=LARGEST, description="The last number you have; 0 begins at the first.")]
PageLimit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many events at most.")]
Wait = Annotated[
    int, Query(ge=0, le=LONGEST_WAIT_S, description="Where there is nothing, so many seconds until there is.")
]
LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=LARGEST, description="Of a stream: the last number you have."),
]
Known = Annotated[str | None, Header(alias="If-None-Match", max_length=200, description="The ETag you have.")]


def add_feeds(app: FastAPI, parts: Parts) -> None:
    news_of = cache(lambda: FeedNews(parts.feeds.feeds.heads, parts.workers, parts.open_feed_news))

    async def read_feed(
        request: Request,
        caller: Caller,
        agreement_id: Agreed,
        *,
        after: After = 0,
        limit: PageLimit = PAGE,
        wait: Wait = 0,
        last_id: LastEventId = None,
        known: Known = None,
    ) -> Response:
        reading = Reading(parts, caller, agreement_id)
        await reading.require()
        if EVENT_STREAM in request.headers.get("accept", ""):
            parts.streams.check_room()
            following = Following(reading, news_of(), partial(is_still, parts, request.scope, caller))
            await following.begin(after if last_id is None else last_id)
            return EventStream(following.messages(), parts.streams, parts.limits.stalled_s)
        page = await reading.page(after, limit)
        if wait and not page.events:
            await news_of().wait(agreement_id, after, wait)
            page = await reading.page(after, limit)
        return await _answer(reading, page, known)

    app.add_api_route(
        "/v1/feeds/{agreement_id}",
        read_feed,
        methods=["GET"],
        operation_id="feeds.read",
        tags=["partners"],
        summary="A partner's feed",
        description=DESCRIPTION,
        responses={200: FEED_ANSWER, 304: {"description": "It is as you have it."},
                   **problems_for(401, 403, 404, 409, 422, 503)},
        response_class=Response,
    )  # fmt: skip


class Reading:
    """One caller's way to one feed."""

    def __init__(self, parts: Parts, caller: Principal, feed: UUID) -> None:
        self.parts, self._caller, self.feed = parts, caller, feed
        self._opening = parts.disclosure(caller, IN_FEEDS).open_within

    async def require(self) -> None:
        """Raises NotAllowedError; UnknownError of another partner's, too."""
        grant = allowed(self._caller.roles, "feeds")
        agreement = await self.parts.workers.run(self.parts.feeds.agreement, self.feed)
        if grant.rows is not Rows.ALL and self._caller.id != str(agreement.partner_id):
            raise UnknownError(agreement=self.feed)

    async def page(self, after: int, limit: int) -> FeedPage:
        read = self.parts.feeds.read
        return await self.parts.workers.run(read, self.feed, self._opening, after=after, limit=limit)


async def _answer(reading: Reading, page: FeedPage, known: str | None) -> Response:
    covered = await reading.parts.workers.run(reading.parts.feeds.feeds.covered)
    tag = f'W/"{blake2b(to_json(page), digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if known is not None and tag in [one.strip() for one in known.split(",")]:
        return Response(status_code=304, headers=headers)
    head = {"feed_seq": page.head, "caught_up": page.next == page.head, "complete_until": covered.until}
    told: dict[str, Any] = {"events": page.events, "next": page.next, "head": head}
    return in_json(told, headers=headers).response()


class Following:
    """One reader's way along a feed."""

    def __init__(self, reading: Reading, news: FeedNews, may_go_on: Callable[[], Awaitable[bool]]) -> None:
        self._reading, self._news, self._may_go_on = reading, news, may_go_on
        self._after = 0
        self._first: FeedPage | None = None

    async def begin(self, after: int) -> None:
        """Raises FeedPositionError, ConflictError, UnavailableError."""
        self._after, self._first = after, await self._reading.page(after, PAGE)

    def messages(self) -> AsyncGenerator[bytes, None]:
        """Each chunk some whole messages; ends when the caller may not go on."""
        beat_s = self._reading.parts.limits.heartbeat_s
        return paced(self._next_chunk, lambda: self._after, beat_s, self._may_go_on)

    async def _next_chunk(self, wait_s: float) -> bytes:
        page = self._first or await self._reading.page(self._after, PAGE)
        self._first, self._after = None, page.next
        if not page.events:
            await self._news.wait(self._reading.feed, self._after, wait_s)
        return b"".join(map(_message, page.events))


def _message(event: CloudEvent) -> bytes:
    return message(KINDS.get(event["type"], "fact"), event, event["feedseq"])
