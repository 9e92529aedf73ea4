"""The webhooks' worker: knows the endpoints by their facts, and keeps a queue for each while it leads."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from threading import Event as Flag
from typing import Any, NoReturn, ParamSpec, TypeVar, get_args
from uuid import UUID

import structlog

from domain.endpoint.decider import Endpoint
from domain.endpoint.facts import EndpointEnabled, EndpointFact
from domain.errors import UnavailableError
from domain.event import Event
from streams.leading import await_lead, go_on
from streams.webhooks.desk import Standing, Tools, WebhookDesk
from streams.webhooks.journal import Journal
from streams.webhooks.queue import Queue
from streams.webhooks.schedule import WELL

TYPES = frozenset(fact.TYPE for fact in get_args(EndpointFact))
BATCH = 4_000
WRITE_S = 0.1  # so much is sent again at most, when this is killed
LOOK_EVERY, TIDY_EVERY = 5, 600  # of these

P = ParamSpec("P")
R = TypeVar("R")
RunLoop = Callable[[Coroutine[Any, Any, None]], None]
_log = structlog.get_logger(__name__)


class OvertakenError(UnavailableError):
    """Another worker has noted deliveries meanwhile; this one begins anew from where that one is."""


class WebhookWorker:
    """Delivers while it leads, and waits while another does."""

    def __init__(self, desk: WebhookDesk, tools: Tools, run_loop: RunLoop = asyncio.run) -> None:
        self._desk, self._tools, self._run_loop = desk, tools, run_loop

    def run(self, stop: Flag) -> None:
        """Until `stop`; goes on by itself when the database was away."""
        go_on(partial(self._serve, stop), stop, _tell)

    def _serve(self, stop: Flag) -> None:
        try:
            if await_lead(self._desk.lead, stop):
                self._run_loop(Term(self._desk, self._tools).run(stop))
        finally:
            self._desk.close()


def _tell(error: UnavailableError, pause_s: float) -> None:
    _log.warning("webhooks pause", reason=str(error), pause_s=pause_s)


class Term:
    """The time from learning where the endpoints stand to the next trouble."""

    def __init__(self, desk: WebhookDesk, tools: Tools) -> None:
        self._desk, self._tools = desk, tools
        self._news = tools.open_news()
        self._queues: dict[UUID, Queue] = {}
        self._running: dict[UUID, asyncio.Task[NoReturn]] = {}

    async def run(self, stop: Flag) -> None:
        """Raises UnavailableError."""
        self._journal = Journal(await self._call(self._desk.load))
        standings = await self._call(self._desk.standings)
        endpoints = await self._call(self._tools.find, [one.endpoint_id for one in standings])
        try:
            for standing in standings:
                self._open(endpoints[standing.endpoint_id], standing)
            _log.info("webhooks go on", endpoints=len(standings), after=self._journal.position)
            await self._watch(stop)
        finally:
            await self._end([*self._running.values()])
        await self._write()

    async def _watch(self, stop: Flag) -> None:
        turn = 0
        while not stop.is_set():
            if turn % LOOK_EVERY == 0:
                await self._learn()
                for errand in await self._call(self._desk.errands):
                    if queue := self._queues.get(errand.endpoint_id):
                        queue.give(errand)
            if turn % TIDY_EVERY == 0:
                await self._call(self._desk.tidy)
            await self._write()
            for task in self._running.values():
                if task.done():
                    task.result()  # raises what no queue survives
            await asyncio.sleep(WRITE_S)
            turn += 1

    async def _learn(self) -> None:
        """What became of endpoints; it is noted together with how far it was read."""
        while True:
            position = self._journal.position
            page = await self._call(self._desk.read, position, BATCH, TYPES)
            changed = defaultdict[UUID, list[Event]](list)
            for event in page.rows:
                if event.type in TYPES:
                    changed[event.stream_id].append(event)
            endpoints = await self._call(self._tools.find, [*changed]) if changed else {}
            self._journal.position = page.upto
            for endpoint_id, events in changed.items():
                await self._change(endpoint_id, endpoints[endpoint_id], events)
            await self._write()
            if page.upto - position < BATCH:
                return

    async def _change(self, endpoint_id: UUID, endpoint: Endpoint, events: Sequence[Event]) -> None:
        queue = self._queues.get(endpoint_id)
        if endpoint.removed:
            if queue:
                del self._queues[endpoint_id]
                await self._end([self._running.pop(endpoint_id)])
            self._journal.remove(endpoint_id)
            return
        assert endpoint.agreement_id is not None
        standing = queue.standing if queue else Standing(endpoint_id, endpoint.agreement_id, endpoint.after)
        health = WELL if any(event.type == EndpointEnabled.TYPE for event in events) else standing.health
        standing = standing._replace(sends=endpoint.sends, health=health)
        self._journal.stand(standing)
        if queue:
            queue.change(endpoint, standing)
        else:
            self._open(endpoint, standing)

    def _open(self, endpoint: Endpoint, standing: Standing) -> None:
        queue = Queue(endpoint, standing, self._tools, self._news, self._journal)
        self._queues[standing.endpoint_id] = queue
        self._running[standing.endpoint_id] = asyncio.create_task(queue.run())

    async def _end(self, running: Sequence[asyncio.Task[NoReturn]]) -> None:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _write(self) -> None:
        before = self._journal.written
        if (noted := self._journal.take()) and not await self._call(self._desk.note, before, noted):
            raise OvertakenError(position=before)

    async def _call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """One after the other: the desk has one session."""
        return await self._tools.threads.run(function, *args, **kwargs)
