"""A read model's page as it changes: a snapshot, then which rows are new, changed or gone since its token."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from adapters.http.paging import Page
from adapters.http.parts import Limits, Parts
from adapters.http.sharing import Shared
from adapters.http.sse import message, paced
from domain.cache import Cache
from projections.rendering import marked
from projections.view import View

REMEMBERED = 200  # of 1,000 rows at most: 40 MB if every one were as large as can be
TAKEN_AT_ONCE = 2  # of the sessions and threads that all readers have
DIGEST_BYTES = 16
Marks = dict[bytes, bytes]  # a row's key to what it looked like; nobody's data can be read from it


class Shot(NamedTuple):
    """What somebody was last shown of a page."""

    token: str
    asked: str
    rows: Marks


class Shots:
    """The newest shot of each stream, for who comes again. From one event loop only.

    `turns` to take one: who follows a page waits, not who asks for one.
    """

    def __init__(self) -> None:
        self.secret = secrets.token_bytes(32)
        self.turns = asyncio.Semaphore(TAKEN_AT_ONCE)
        self._kept: Cache[str, Shot] = Cache(REMEMBERED)

    def keep(self, shot: Shot) -> None:
        self._kept.put(shot.token.partition(".")[0], shot)

    def find(self, token: str | None, asked: str) -> Shot | None:
        """None where the token is not the newest of its stream, or was given to another question."""
        shot = self._kept.get((token or "").partition(".")[0])
        return shot if shot and (shot.token, shot.asked) == (token, asked) else None


class Bookmarks:
    """How far services have folded, read once for all who follow. From one event loop only."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._marks: dict[str, Shared[str]] = {}

    async def read(self, service: str) -> str:
        """As it was `reread_s` ago at most. Raises UnavailableError."""
        if (marks := self._marks.get(service)) is None:
            find = partial(self._parts.workers.run, self._parts.pages.marks, service)
            marks = self._marks[service] = Shared(find, self._parts.limits.reread_s / 2)
        return await marks.get()


class LivePage:
    """One reader's page. `read` reads it, `read_marks` how far the service has come; both raise UnavailableError."""

    def __init__(
        self, view: View, asked: str, shots: Shots, read: Callable[[], Awaitable[Page]],
        read_marks: Callable[[], Awaitable[str]],
    ) -> None:  # fmt: skip
        self._view, self._asked, self._shots, self._read, self._read_marks = view, asked, shots, read, read_marks
        self._stream, self._count = secrets.token_urlsafe(12), 0
        self._rows: Marks = {}
        self._token = self._told = ""
        self._marks = ""
        self._first = b""
        self._read_at = 0.0

    async def begin(self, token: str | None) -> None:
        """Raises what `read` raises, before anything was answered."""
        self._marks, page = await self._read_marks(), await self._read_in_turn()
        if known := self._shots.find(token, self._asked):
            self._token, self._rows, self._told = known.token, known.rows, known.token
            self._first = self._compare(page, "changed")
        else:
            rows, marks = self._look(page)
            self._move_on(marks)
            content = {"rows": list(rows.values()), "next": page.next, "token": self._token}
            self._first = message("snapshot", content, self._token)

    def messages(self, limits: Limits, may_go_on: Callable[[], Awaitable[bool]]) -> AsyncGenerator[bytes, None]:
        """Ends when the caller may not go on. What was told is not held: pages are large, and followed for long."""
        self._read_at = asyncio.get_running_loop().time()
        return paced(partial(self._next_chunk, limits), lambda: self._told, limits.heartbeat_s, may_go_on)

    async def _next_chunk(self, limits: Limits, _: float) -> bytes:
        if first := self._first:
            self._first, self._told = b"", self._token
            return first
        await asyncio.sleep(min(limits.reread_s, limits.heartbeat_s))
        now = asyncio.get_running_loop().time()
        chunk = await self._read_again(is_due=(is_due := now - self._read_at >= limits.tick_s))
        self._read_at = now if is_due else self._read_at
        self._told = self._token
        return chunk

    async def _read_again(self, *, is_due: bool) -> bytes:
        marks = await self._read_marks()
        if marks == self._marks and not is_due:
            return b""
        page = await self._read_in_turn()
        self._marks = marks
        return self._compare(page, "tick" if is_due else "changed")

    async def _read_in_turn(self) -> Page:
        async with self._shots.turns:
            return await self._read()

    def _compare(self, page: Page, event: str) -> bytes:
        """Nothing where nothing has changed, but a tick is told all the same."""
        rows, marks = self._look(page)
        new = [row for key, row in rows.items() if self._rows.get(key) != marks[key]]
        gone = [dict(zip(self._view.key, from_json(key), strict=True)) for key in self._rows if key not in marks]
        if not (new or gone or event == "tick"):
            return b""
        self._move_on(marks)
        return message(event, {"rows": new, "gone": gone, "next": page.next, "token": self._token}, self._token)

    def _look(self, page: Page) -> tuple[dict[bytes, Mapping[str, Any]], Marks]:
        told = (marked(row, self._view.sealed) for row in page.rows)
        rows = {to_json([row[column] for column in self._view.key]): row for row in told}
        return rows, {key: _digest(self._shots.secret, row) for key, row in rows.items()}

    def _move_on(self, marks: Marks) -> None:
        self._count += 1
        self._rows, self._token = marks, f"{self._stream}.{self._count}"
        self._shots.keep(Shot(self._token, self._asked, marks))


def _digest(secret: bytes, row: Mapping[str, Any]) -> bytes:
    return blake2b(to_json(row), digest_size=DIGEST_BYTES, key=secret).digest()
