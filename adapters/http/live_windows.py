"""`GET /v1/<department>/alerts`, and what goes on now in each live window; only where Kafka is in use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, NamedTuple

from fastapi import FastAPI, Header, Request, Response
from pydantic_core import to_json

from adapters.http.answers import in_json
from adapters.http.errors import UnacceptableError
from adapters.http.live import LiveTopics
from adapters.http.parts import Limits, Parts
from adapters.http.principal import Caller
from adapters.http.schemas import problems_for
from adapters.http.sse import EVENT_STREAM, RETRY, EventStream, heartbeat, message
from adapters.http.standing import is_still
from domain.errors import UnavailableError
from streams.departments import grant_for
from streams.topics import ALERTS
from streams.windows.alerts import TYPES, Told

GLANCE_S = 0.2
JSON_TYPES = {"*/*", "application/*", "application/json"}
PLACES = rf"^\d{{1,19}}(\.\d{{1,19}}){{{ALERTS.partitions - 1}}}$"

LastAlert = Annotated[
    str | None, Header(alias="Last-Event-ID", pattern=PLACES, description="Of a stream: what came since comes first.")
]
ALERTS_HELP = (
    "Those of the last day, then, as `text/event-stream`, each as it comes: an event `alert`. The same `id` of an alert"
    " may come again after a crash; drop it."
)
WINDOW_HELP = (
    "As `text/event-stream` the window is followed: an event `snapshot`, then `changed` with the rows that are new or"
    " have changed and the keys of those that are `gone`, at most once a second. `as_of` is when it was right last; it"
    " stays behind while the windows' worker starts anew."
)


class Shown(NamedTuple):
    """A window as a screen shows it."""

    department: str
    name: str
    title: str
    key: str


SHOWN = (
    Shown("sales", "activity", "Sellers' activity in the last hour", "seller_id"),
    Shown("support", "sla-at-risk", "Open tickets that have used up most of their time", "ticket_id"),
    Shown("support", "complaints", "Complaints by product in the last minutes", "product_id"),
)


def add_live_windows(app: FastAPI, parts: Parts) -> None:
    if (live := parts.live) is None:
        return
    for department in sorted(frozenset().union(*(alert.DEPARTMENTS for alert in TYPES.values()))):
        alerts = Shown(department, "alerts", "Alerts, as they come", "id")
        _add(app, alerts, ALERTS_HELP, _alerts(parts, live, department))
    for shown in SHOWN:
        _add(app, shown, WINDOW_HELP, _window(parts, live, shown))


def _add(app: FastAPI, shown: Shown, text: str, endpoint: Callable[..., Any]) -> None:
    department, name, title, _ = shown
    content: dict[str, Any] = {
        "application/json": {"schema": {"type": "object"}},
        EVENT_STREAM: {"schema": {"type": "string"}},
    }
    app.add_api_route(
        f"/v1/{department}/{name}",
        endpoint,
        methods=["GET"],
        operation_id=f"{department}.{name}",
        tags=[department],
        summary=title,
        description=text,
        responses={200: {"description": title, "content": content}, **problems_for(401, 403, 406, 422, 503)},
        response_class=Response,
    )


def _alerts(parts: Parts, live: LiveTopics, department: str) -> Callable[..., Any]:
    async def read(request: Request, caller: Caller, last_id: LastAlert = None) -> Response:
        grant_for(caller.roles, department)
        live.alerts()
        if not _is_followed(request):
            own = [_record(noted.told) for noted in live.alerts() if department in noted.told.departments]
            return in_json({"alerts": own}).response()
        parts.streams.check_room()
        still = partial(is_still, parts, request.scope, caller)
        following = _follow(AlertsSince(live, department, last_id).next_messages, parts.limits, still, GLANCE_S)
        return EventStream(following, parts.streams, parts.limits.stalled_s)

    return read


def _window(parts: Parts, live: LiveTopics, shown: Shown) -> Callable[..., Any]:
    async def read(request: Request, caller: Caller) -> Response:
        grant_for(caller.roles, shown.department)
        as_of, rows = live.rows(shown.name, shown.department)
        if not _is_followed(request):
            return in_json({"as_of": as_of, "rows": list(rows.values())}).response()
        parts.streams.check_room()
        still = partial(is_still, parts, request.scope, caller)
        following = _follow(RowsSince(live, shown).next_messages, parts.limits, still, parts.limits.reread_s)
        return EventStream(following, parts.streams, parts.limits.stalled_s)

    return read


def _is_followed(request: Request) -> bool:
    """Raises UnacceptableError."""
    accept = request.headers.get("accept", "*/*")
    for kind in (part.partition(";")[0].strip() for part in accept.split(",")):
        if kind in JSON_TYPES or kind == EVENT_STREAM:
            return kind == EVENT_STREAM
    raise UnacceptableError(accept=accept)


def _record(told: Told) -> Mapping[str, Any]:
    return told._asdict() | {"at": told.at}


class AlertsSince:
    """Alerts of one department that one reader has not had; their place is the next record of each partition."""

    def __init__(self, live: LiveTopics, department: str, last_id: str | None) -> None:
        self._live, self._department = live, department
        self._next = [int(part) for part in last_id.split(".")] if last_id else [0] * ALERTS.partitions

    def next_messages(self) -> tuple[bytes, str]:
        """Raises UnavailableError."""
        messages = list[bytes]()
        for noted in self._live.alerts():
            if noted.offset < self._next[noted.partition]:
                continue
            self._next[noted.partition] = noted.offset + 1
            if self._department in noted.told.departments:
                messages.append(message("alert", _record(noted.told), self._place))
        return b"".join(messages), self._place

    @property
    def _place(self) -> str:
        return ".".join(map(str, self._next))


class RowsSince:
    """How a window has changed since one reader was told."""

    def __init__(self, live: LiveTopics, shown: Shown) -> None:
        self._live, self._shown = live, shown
        self._told: Mapping[str, bytes] | None = None
        self._count = 0

    def next_messages(self) -> tuple[bytes, str]:
        """Raises UnavailableError."""
        as_of, rows = self._live.rows(self._shown.name, self._shown.department)
        before, self._told = self._told, {key: to_json(row) for key, row in rows.items()}
        if before is None:
            return self._say("snapshot", {"as_of": as_of, "rows": list(rows.values())})
        new = [row for key, row in rows.items() if self._told[key] != before.get(key)]
        gone = [{self._shown.key: key.partition("/")[2]} for key in before if key not in rows]
        if not (new or gone):
            return b"", str(self._count)
        return self._say("changed", {"as_of": as_of, "rows": new, "gone": gone})

    def _say(self, event: str, content: Mapping[str, Any]) -> tuple[bytes, str]:
        self._count += 1
        return message(event, content, self._count), str(self._count)


async def _follow(
    next_messages: Callable[[], tuple[bytes, str]],
    limits: Limits,
    may_go_on: Callable[[], Awaitable[bool]],
    every_s: float,
) -> AsyncGenerator[bytes, None]:
    """Ends when the caller may not go on."""
    clock = asyncio.get_running_loop().time
    yield RETRY
    told_at = checked_at = clock()
    place = ""
    while True:
        chunk = b""
        with suppress(UnavailableError):  # the client's connection is no worse for it
            chunk, place = next_messages()
        if clock() - checked_at >= limits.heartbeat_s:
            if not await may_go_on():
                return
            checked_at = clock()
        if chunk or clock() - told_at >= limits.heartbeat_s:
            yield chunk or heartbeat(place)
            told_at = clock()
        await asyncio.sleep(min(every_s, limits.heartbeat_s))
