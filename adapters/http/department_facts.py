"""`GET /v1/<department>/facts`: what a department follows of the ledger, from any position on, as it grows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, aclosing
from functools import cache, partial
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import FastAPI, Header, Query, Request, Response

from adapters.http.parts import Parts
from adapters.http.places import PLACE, Place, parse_place, place_of
from adapters.http.principal import Caller
from adapters.http.schemas import problems_for, stream_schema
from adapters.http.sse import EventStream, message, paced
from adapters.http.standing import is_still
from adapters.http.tail import Tail
from domain.customer import facts as customers
from domain.errors import InvalidError
from domain.event import Event
from projections.disclosure import MOST_CONTENTS, Disclosure
from projections.facts import content_of, long_texts_in, record_of
from projections.history import IDENTIFIED, Horizon, find_subjects
from projections.rendering import marked
from streams.departments import DEPARTMENTS, Department, grant_for

LEDGER = b"ledger"
LARGEST_CHUNK = 256 * 1024  # bytes of facts that are opened and sent at once
LONG_TEXT = LARGEST_CHUNK // MOST_CONTENTS  # what one counts for
MOVES_IDENTITY = {
    fact.TYPE
    for fact in (
        customers.CustomerMerged, customers.CustomerAbsorbed, customers.CustomerUnmerged, customers.CustomerReleased,
    )
}  # fmt: skip
LARGEST_POSITION = 2**63 - 1
FOLLOWED = (
    "The stream begins behind `Last-Event-ID`, else at `from`, else with what comes from now on; `from=1` is the first"
    " fact there is. Each message is an event `fact`, its `id` the position in the ledger with a mark of the fact:"
    " after a restore from an older backup, who comes with a lost one is refused. Between facts comes a heartbeat as a"
    " comment, with the id that the stream has come to. It ends when the key or its roles change."
)

From = Annotated[int | None, Query(alias="from", ge=0, le=LARGEST_POSITION, description="The first position wanted.")]
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", pattern=PLACE, description="The last id, or position, you have; before `from`."),
]
Types = Annotated[
    list[str], Query(alias="type", max_length=100, description="Only facts of this type; may be repeated.")
]
OfCustomer = Annotated[
    UUID | None, Query(alias="customer", description="One customer's only, under every id of theirs.")
]


class NotFollowedError(InvalidError):
    """The department does not follow facts of this type."""


class PositionError(InvalidError):
    """The ledger has not come so far; it may be another than the one you know, begin anew."""


class ReplacedError(PositionError):
    """Another fact stands at that position than you were told: the ledger was restored from a backup. Begin anew."""


def add_department_facts(app: FastAPI, parts: Parts) -> None:
    tail_of = cache(lambda: Tail(parts.log, parts.workers, parts.open_news))
    for department in DEPARTMENTS.values():
        app.add_api_route(
            f"/v1/{department.name}/facts",
            _endpoint(parts, department, tail_of),
            methods=["GET"],
            operation_id=f"{department.name}.facts",
            tags=[department.name],
            summary="The facts, as they come",
            description=_description(department),
            responses={200: stream_schema("Events `fact`."), **problems_for(401, 403, 422, 503)},
            response_class=Response,
        )


def _description(department: Department) -> str:
    narrowed = [f"`{type_}` ({', '.join(sorted(fields))})" for type_, fields in sorted(department.fields.items())]
    types = ", ".join(f"`{type_}`" for type_ in sorted(department.types))
    return f"{FOLLOWED}\n\n{department.name.title()} follows {types}. Only some fields: {', '.join(narrowed)}."


def _endpoint(parts: Parts, department: Department, tail_of: Callable[[], Tail]) -> Callable[..., Any]:
    async def follow(
        request: Request,
        caller: Caller,
        *,
        from_: From = None,
        last_id: LastEventId = None,
        types: Types = [],  # noqa: B006 FastAPI makes a new one for each request
        customer_id: OfCustomer = None,
    ) -> Response:
        grant = grant_for(caller.roles, department.name)
        if strangers := set(types) - department.types:
            raise NotFollowedError(department=department.name, types=sorted(strangers))
        parts.streams.check_room()
        wanted, still = Wanted(department, types, customer_id), partial(is_still, parts, request.scope, caller)
        following = Following(parts, tail_of(), wanted, parts.disclosure(caller, grant), still)
        await following.begin(None if last_id is None else parse_place(last_id), from_)
        return EventStream(following.messages(), parts.streams, parts.limits.stalled_s)

    return follow


class Wanted(NamedTuple):
    """What of a department's facts is wanted; all of them unless something is named."""

    department: Department
    types: Collection[str]
    customer_id: UUID | None


class Following:
    """One reader's way along the ledger."""

    def __init__(
        self, parts: Parts, tail: Tail, wanted: Wanted, disclosure: Disclosure, may_go_on: Callable[[], Awaitable[bool]]
    ) -> None:
        self._parts, self._tail, self._disclosure, self._may_go_on = parts, tail, disclosure, may_go_on
        self._department, self._types, self._customer_id = wanted
        self._subjects: Collection[UUID] = ()
        self._after, self._identified_at = Place(0), 0
        self._is_following = False

    async def begin(self, last_id: Place | None, from_: int | None) -> None:
        """Raises PositionError, UnavailableError."""
        head = await self._parts.workers.run(self._parts.log.last_position)
        asked = last_id or (Place(head) if from_ is None else Place(max(0, from_ - 1)))
        if asked.number > head:
            raise PositionError(position=asked.number, last=head)
        self._after = await self._place_at(asked.number)
        if asked.mark and asked != self._after:
            raise ReplacedError(position=asked.number)
        await self._identify()

    async def _place_at(self, position: int) -> Place:
        found = await self._parts.workers.run(self._parts.log.read, position - 1, 1) if position else ()
        return self._place_of(found[0]) if found else Place(position)

    def _place_of(self, event: Event) -> Place:
        return place_of(self._parts.vault, LEDGER, event.position, event.hash)

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Each chunk some whole messages; ends when the caller may not go on."""
        async with AsyncExitStack() as stack:
            pace = (lambda: self._after, self._parts.limits.heartbeat_s, self._may_go_on)
            chunks = await stack.enter_async_context(aclosing(paced(partial(self._next_chunk, stack), *pace)))
            async for chunk in chunks:
                yield chunk

    async def _next_chunk(self, stack: AsyncExitStack, wait_s: float) -> bytes:
        if not self._is_following:
            await stack.enter_async_context(self._tail.followed())
            self._is_following = True
        if page := await self._next_page():
            return await self._tell(page)
        await self._tail.wait(self._after.number, wait_s)
        return b""

    async def _next_page(self) -> Sequence[Event]:
        page, size = list[Event](), 0
        for event in await self._tail.read(self._after.number):
            size += len(event.data) + LONG_TEXT * long_texts_in(event)
            if page and size > LARGEST_CHUNK:
                break
            page.append(event)
        return page

    async def _tell(self, page: Sequence[Event]) -> bytes:
        """The messages of what is wanted of a page; the position moves on when they are written."""
        wanted = [event for event in page if await self._wants(event)]
        chunk = await self._parts.workers.run(self._write, wanted) if wanted else b""
        self._after = self._place_of(page[-1])
        return chunk

    async def _wants(self, event: Event) -> bool:
        if self._customer_id:
            if event.position > self._identified_at and self._moves_identity(event):
                await self._identify()
            if event.subject_id not in self._subjects:
                return False
        return self._department.follows(event) and (not self._types or event.type in self._types)

    def _moves_identity(self, event: Event) -> bool:
        """Whether the customer is known by more ids from now on, or by fewer."""
        if not (event.type in MOVES_IDENTITY or event.type.endswith(IDENTIFIED)):
            return False
        return any(id_ in self._subjects for id_ in (event.subject_id, *content_of(event).values()))

    def _write(self, events: Sequence[Event]) -> bytes:
        told = self._disclosure.open_within([self._department.share_of(event) for event in events])
        return b"".join(
            message("fact", marked(record_of(event, content)), self._place_of(event))
            for event, content in zip(events, told, strict=True)
        )

    async def _identify(self) -> None:
        """Under which ids the customer is known by now."""
        if self._customer_id:
            log, run = self._parts.log, self._parts.workers.run
            self._identified_at = await run(log.last_position)
            found = await run(find_subjects, self._customer_id, log, self._parts.identities, Horizon())
            self._subjects = frozenset(found)
