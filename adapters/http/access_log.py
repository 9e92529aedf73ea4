"""Who read whose personal values: noted for each request, and durable before the first byte of the answer leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import NamedTuple
from uuid import UUID

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.access.reading import AccessBook, Reading
from adapters.http.observing import PRINCIPAL, route_of
from adapters.http.problems import refused, unexpected
from adapters.http.workers import Workers
from domain.cache import Cache
from domain.errors import RelatoError
from domain.personal import KeyId

REMEMBERED = 50_000  # whose keys are; that never changes
NOTED = 500  # of one stream, which may go on for months: who was noted and seen again is not noted again
OPENED: ContextVar[set[KeyId]] = ContextVar("opened")  # the request's: the keys under which values were opened
PersonsOf = Callable[[Sequence[KeyId]], Mapping[KeyId, UUID]]
"""Whose the keys are. Raises UnavailableError."""


def note_opened(keys: Collection[KeyId]) -> None:
    """For Disclosure. A value that is opened outside a request is a LookupError: nobody would know of it."""
    OPENED.get().update(keys)


class _Read(NamedTuple):
    """Under which keys somebody opened values, and where."""

    principal: str
    route: str
    keys: Collection[KeyId]


class AccessLog:
    """What comes while a record is being written is written together next. From one event loop only."""

    def __init__(self, book: AccessBook, persons_of: PersonsOf, workers: Workers) -> None:
        self._book, self._persons_of, self._workers = book, persons_of, workers
        self._persons: Cache[KeyId, UUID] = Cache(REMEMBERED)
        self._waiting: list[tuple[_Read, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, principal: str, route: str, keys: Collection[KeyId]) -> None:
        """Raises UnavailableError: then nothing may leave."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((_Read(principal, route, keys), done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_on())
        await done

    async def _write_on(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                await self._workers.run(self._write, [reading for reading, _ in group])
            except BaseException as error:  # noqa: BLE001 it is raised where the answer waits for it
                _settle(group, error)
            else:
                _settle(group)
        self._writing = None

    def _write(self, reads: Sequence[_Read]) -> None:
        keys = set[KeyId]().union(*(read.keys for read in reads))
        persons, unknown = self._persons.find(keys)
        if unknown:
            found = self._persons_of(unknown)
            self._persons.keep(found)
            persons |= found
        self._book.record([Reading(one.principal, one.route, {persons[key] for key in one.keys}) for one in reads])


def _settle(group: Sequence[tuple[_Read, asyncio.Future[None]]], error: BaseException | None = None) -> None:
    for _, done in group:
        if done.done():  # its client has gone
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)


class Accounted:
    """An ASGI application whose answers wait until it is noted whose values are in them."""

    def __init__(self, app: ASGIApp, log: AccessLog) -> None:
        self._app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            opened: set[KeyId] = set()
            OPENED.set(opened)
            send = _Answering(self._log, scope, send, opened)
        await self._app(scope, receive, send)


class _Answering:
    """One request's answer; a stream is noted again when somebody is in it who was not, or not lately."""

    def __init__(self, log: AccessLog, scope: Scope, send: Send, opened: set[KeyId]) -> None:
        self._log, self._scope, self._send, self._opened = log, scope, send, opened
        self._noted: Cache[KeyId, bool] = Cache(NOTED)
        self._is_refused = False

    async def __call__(self, message: Message) -> None:
        if self._is_refused:  # what remains of an answer that may not leave
            return
        if self._opened:
            try:
                await self._note()
            except Exception as error:  # the edge of a loop: told as a problem, and logged
                if message["type"] != "http.response.start":
                    raise  # a stream is cut off
                self._is_refused = True
                problem = refused(error) if isinstance(error, RelatoError) else unexpected(error)
                await problem.answer().send(self._send)
                return
        await self._send(message)

    async def _note(self) -> None:
        opened = self._opened.copy()
        if new := {key for key in opened if not self._noted.get(key)}:
            await self._log.record(self._scope[PRINCIPAL], route_of(self._scope), new)
            self._noted.keep(dict.fromkeys(new, True))
        self._opened -= opened
