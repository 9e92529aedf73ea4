"""How a feed is told over HTTP: in pages that may wait, or followed as a stream; the same for what is made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple, Protocol
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from pydantic_core import to_json

from adapters.http.answers import in_json
from adapters.http.feed_news import FeedNews
from adapters.http.parts import Parts
from adapters.http.places import PLACE, Place, parse_place, place_of
from adapters.http.principal import Principal
from adapters.http.sse import EVENT_STREAM, EventStream, message, paced
from adapters.http.standing import is_still
from domain.access.facts import Rows
from domain.agreement.decider import Agreement
from domain.errors import UnknownError
from projections.disclosure import IN_FEEDS, allowed
from streams.feeds.delivery import FeedPage, FeedPositionError, FeedReplacedError
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD, CloudEvent

PAGE, LARGEST_PAGE = 100, 1_000
LONGEST_WAIT_S = 30
LARGEST = 2**63 - 1
KINDS = {WITHHELD: "withheld", TOMBSTONE: "tombstone", CHANGED: "changed"}


class Asked(NamedTuple):
    """From where on, how much, how long to wait for it, and what the reader has already."""

    after: Place
    limit: int
    wait_s: int
    last_id: Place | None
    known: str | None


def read_asked(
    after: Annotated[
        str, Query(pattern=PLACE, description="The last number you have, or the `token` you were told; 0 begins.")
    ] = "0",
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many events at most.")] = PAGE,
    wait: Annotated[
        int, Query(ge=0, le=LONGEST_WAIT_S, description="Where there is nothing, so many seconds until there is.")
    ] = 0,
    last_id: Annotated[
        str | None,
        Header(alias="Last-Event-ID", pattern=PLACE, description="Of a stream: the last id, or number, you have."),
    ] = None,
    known: Annotated[
        str | None, Header(alias="If-None-Match", max_length=200, description="The ETag you have.")
    ] = None,
) -> Asked:
    return Asked(parse_place(after), limit, wait, None if last_id is None else parse_place(last_id), known)


AsAsked = Annotated[Asked, Depends(read_asked)]


async def require_agreement(parts: Parts, caller: Principal, feed: UUID, *, even_removed: bool = False) -> Agreement:
    """The agreement, for its partner and for who sees all feeds; `even_removed`: for a partner that was removed, too.

    Raises NotAllowedError; UnknownError of another partner's, too.
    """
    sees_all = False
    if not (even_removed and caller.is_leaving):
        sees_all = allowed(caller.roles, "feeds").rows is Rows.ALL
    agreement = await parts.workers.run(parts.feeds.agreement, feed)
    if not sees_all and caller.id != str(agreement.partner_id):
        raise UnknownError(agreement=feed)
    return agreement


class Source(Protocol):
    """Events with numbers that grow."""

    async def page(self, after: int, limit: int) -> FeedPage:
        """Raises FeedPositionError, ConflictError, UnavailableError."""

    async def place_at(self, number: int) -> Place:
        """That number, as it is marked now."""

    def places(self, page: FeedPage) -> Sequence[Place]:
        """Of each event."""

    async def wait(self, after: int, timeout_s: float) -> None:
        """Until there is more, at most so long."""

    async def complete_until(self) -> datetime | None: ...


class FeedSource:
    """A feed, opened for its partner."""

    def __init__(self, parts: Parts, caller: Principal, feed: UUID, news: FeedNews) -> None:
        self._parts, self._feed, self._news = parts, feed, news
        self._opening = parts.disclosure(caller, IN_FEEDS).open_within

    async def page(self, after: int, limit: int) -> FeedPage:
        read = self._parts.feeds.read
        return await self._parts.workers.run(read, self._feed, self._opening, after=after, limit=limit)

    async def place_at(self, number: int) -> Place:
        hash_ = await self._parts.workers.run(self._parts.feeds.hash_at, self._feed, number) if number else None
        return self._place(number, hash_)

    def places(self, page: FeedPage) -> Sequence[Place]:
        return [self._place(event["feedseq"], hash_) for event, hash_ in zip(page.events, page.hashes, strict=True)]

    def _place(self, number: int, hash_: bytes | None) -> Place:
        return place_of(self._parts.vault, self._feed.bytes, number, hash_)

    async def wait(self, after: int, timeout_s: float) -> None:
        await self._news.wait(self._feed, after, timeout_s)

    async def complete_until(self) -> datetime | None:
        return (await self._parts.workers.run(self._parts.feeds.feeds.covered)).until


class SandboxSource:
    """So many made-up events, to which none is ever added."""

    def __init__(self, events: Sequence[CloudEvent]) -> None:
        self._events = events

    async def page(self, after: int, limit: int) -> FeedPage:
        if after > (head := len(self._events)):
            raise FeedPositionError(after=after, head=head)
        found = self._events[after : after + limit]
        return FeedPage(found, after + len(found), head)

    async def place_at(self, number: int) -> Place:
        return Place(number)

    def places(self, page: FeedPage) -> Sequence[Place]:
        return [Place(event["feedseq"]) for event in page.events]

    async def wait(self, after: int, timeout_s: float) -> None:  # noqa: ARG002 a Source's
        await asyncio.sleep(timeout_s)

    async def complete_until(self) -> datetime | None:
        return None


async def answer(parts: Parts, request: Request, caller: Principal, source: Source, asked: Asked) -> Response:
    """In the form that is asked for. Who waits takes room as a stream does."""
    may_go_on = partial(is_still, parts, request.scope, caller)
    if EVENT_STREAM in request.headers.get("accept", ""):
        parts.streams.check_room()
        following = Following(source, parts.limits.heartbeat_s, may_go_on)
        await following.begin(asked.after if asked.last_id is None else asked.last_id)
        return EventStream(following.messages(), parts.streams, parts.limits.stalled_s)
    until, page = await _read(source, asked)
    place = await _require_same(source, asked.after)
    if asked.wait_s and not page.events:
        with parts.streams.room.taken_by(caller.id):
            await source.wait(asked.after.number, asked.wait_s)
        if await may_go_on():  # else there was nothing; the next request is told why
            until, page = await _read(source, asked)
    return _in_json(source, until, page, place, asked.known)


async def _read(source: Source, asked: Asked) -> tuple[datetime | None, FeedPage]:
    """Up to when it is complete comes first: what is entered in between is in the page, or was recorded later."""
    return await source.complete_until(), await source.page(asked.after.number, asked.limit)


async def _require_same(source: Source, asked: Place) -> Place:
    """As it is marked now. Raises FeedReplacedError where it bears another mark than it did."""
    place = await source.place_at(asked.number)
    if asked.mark and place.mark != asked.mark:
        raise FeedReplacedError(after=asked.number)
    return place


def _in_json(source: Source, until: datetime | None, page: FeedPage, place: Place, known: str | None) -> Response:
    token = str([place, *source.places(page)][-1])
    told: dict[str, Any] = {"events": page.events, "next": page.next, "token": token}
    tag = f'W/"{blake2b(to_json([told, page.head]), digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if known is not None and tag in [one.strip() for one in known.split(",")]:
        return Response(status_code=304, headers=headers)
    head = {"feed_seq": page.head, "caught_up": page.next == page.head, "complete_until": until}
    return in_json(told | {"head": head}, headers=headers).response()


class Following:
    """One reader's way along a source."""

    def __init__(self, source: Source, beat_s: float, may_go_on: Callable[[], Awaitable[bool]]) -> None:
        self._source, self._beat_s, self._may_go_on = source, beat_s, may_go_on
        self._after = Place(0)
        self._first: FeedPage | None = None

    async def begin(self, after: Place) -> None:
        """Raises FeedPositionError, ConflictError, UnavailableError."""
        self._first = await self._source.page(after.number, PAGE)
        self._after = await _require_same(self._source, after)

    def messages(self) -> AsyncGenerator[bytes, None]:
        """Each chunk some whole messages; ends when the caller may not go on."""
        return paced(self._next_chunk, lambda: self._after, self._beat_s, self._may_go_on)

    async def _next_chunk(self, wait_s: float) -> bytes:
        page = self._first or await self._source.page(self._after.number, PAGE)
        places = self._source.places(page)
        self._first, self._after = None, [self._after, *places][-1]
        if not page.events:
            await self._source.wait(self._after.number, wait_s)
        return b"".join(map(_message, page.events, places))


def _message(event: CloudEvent, place: Place) -> bytes:
    return message(KINDS.get(event["type"], "fact"), event, place)
