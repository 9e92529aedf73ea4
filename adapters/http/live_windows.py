"""`GET /v1/<department>/alerts`, and what goes on now in each live window; only where Kafka is in use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
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
from adapters.http.sse import EVENT_STREAM, EventStream, message, paced
from adapters.http.standing import is_still
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
        following = _follow(AlertsSince(live, department, last_id), parts.limits, still, GLANCE_S)
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
        following = _follow(RowsSince(live, shown), parts.limits, still, parts.limits.reread_s)
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

    def next_messages(self) -> bytes:
        """Raises UnavailableError."""
        messages = list[bytes]()
        for noted in self._live.alerts():
            if noted.offset < self._next[noted.partition]:
                continue
            self._next[noted.partition] = noted.offset + 1
            if self._department in noted.told.departments:
                messages.append(message("alert", _record(noted.told), self.place))
        return b"".join(messages)

    @property
    def place(self) -> str:
        return ".".join(map(str, self._next))


class RowsSince:
    """How a window has changed since one reader was told."""

    def __init__(self, live: LiveTopics, shown: Shown) -> None:
        self._live, self._shown = live, shown
        self._told: Mapping[str, bytes] | None = None
        self.place = 0

    def next_messages(self) -> bytes:
        """Raises UnavailableError."""
        as_of, rows = self._live.rows(self._shown.name, self._shown.department)
        before, self._told = self._told, {key: to_json(row) for key, row in rows.items()}
        if before is None:
            return self._say("snapshot", {"as_of": as_of, "rows": list(rows.values())})
        new = [row for key, row in rows.items() if self._told[key] != before.get(key)]
        gone = [{self._shown.key: key.partition("/")[2]} for key in before if key not in rows]
        if not (new or gone):
            return b""
        return self._say("changed", {"as_of": as_of, "rows": new, "gone": gone})

    def _say(self, event: str, content: Mapping[str, Any]) -> bytes:
        self.place += 1
        return message(event, content, self.place)


def _follow(
    since: AlertsSince | RowsSince,
    limits: Limits,
    may_go_on: Callable[[], Awaitable[bool]],
    every_s: float,
) -> AsyncGenerator[bytes, None]:
    """Ends when the caller may not go on."""

    async def next_chunk(_: float) -> bytes:
        await asyncio.sleep(min(every_s, limits.heartbeat_s))
        return since.next_messages()

    return paced(next_chunk, lambda: since.place, limits.heartbeat_s, may_go_on, since.next_messages())
