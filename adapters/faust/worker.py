"""The windows' worker: facts from the departments' topics in, alerts and the rows of live screens out."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import faust
import structlog
from faust.types import TP

from adapters.faust.app import assigned, make_app, raw_topic
from adapters.faust.errors import MadeAnewError, NotAloneError, NotSentError, WorkerEndedError
from adapters.kafka.cluster import Cluster
from adapters.kafka.windows import ToldBefore
from streams.departments import DEPARTMENTS
from streams.envelope import MalformedRecordError, rfc3339
from streams.shares import decode_share
from streams.topics import ALERTS, SCREENS, SHARES
from streams.windows.alerts import Raised, encode_alert
from streams.windows.live import LONG_AGO, Live, Reach, Screen
from streams.windows.rules import Rules

log = structlog.get_logger("relato")

GLANCE_S, TICK_S, BEAT_S = 0.1, 1.0, 5.0
ANSWER_S = 5.0  # of Kafka, when it is asked for the ends
SENT_S = 30.0
END_S = 5.0

Place = tuple[str, int]  # a topic and a partition


class Plan(NamedTuple):
    """`starts`: where the group begins, of every partition that is read."""

    cluster: Cluster
    group: str
    source: str  # the installation, as `/relato/<name>`
    rules: Rules
    starts: Mapping[Place, int]
    told: ToldBefore


def run_until(plan: Plan, stop: threading.Event) -> None:
    asyncio.run(run(plan, stop))


async def run(plan: Plan, stop: threading.Event) -> None:
    """Until `stop`. Raises RelatoError, what Kafka's client raises; then another worker is to begin."""
    app = make_app(plan.cluster.servers, plan.group, plan.cluster.security)
    worker = Worker(app, plan)
    await app.start()
    try:
        await worker.work(stop)
    finally:
        await _end(app)


async def _end(app: faust.App) -> None:
    try:
        async with asyncio.timeout(END_S):
            await app.stop()
    except TimeoutError:
        log.warning("Faust did not stop; its process ends")
        os._exit(1)  # its threads would keep the process


class Worker:
    """All of it in one event loop; what it remembers goes with it."""

    def __init__(self, app: faust.App, plan: Plan) -> None:
        self._app, self._source = app, plan.source
        self._live, self._screen = Live(plan.rules, plan.told.alerts), Screen(plan.told.shown)
        self._departments = {SHARES[name].name: name for name in self._live.types}
        self._read, self._starts = dict(plan.starts), plan.starts
        self._passed_over = {
            name: {type_.encode() for type_ in DEPARTMENTS[name].types - wanted}
            for name, wanted in self._live.types.items()
        }
        self._reaches = {name: Reach() for name in self._live.types}
        self._alerts, self._rows = raw_topic(app, ALERTS.name), raw_topic(app, SCREENS.name)
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._beaten_at, self._caught_up = LONG_AGO, set[str]()
        app.agent(raw_topic(app, *self._departments), name="windows", concurrency=1)(self._follow)

    async def work(self, stop: threading.Event) -> None:
        clock = asyncio.get_running_loop().time
        ticked_at = clock()
        while not stop.is_set():
            if self._failure.done():
                self._failure.result()
            if self._app.crashed or self._app.should_stop:
                raise WorkerEndedError(reason=repr(self._app.crash_reason))
            if clock() - ticked_at >= TICK_S:
                await self._tick()
                ticked_at = clock()
            await asyncio.sleep(GLANCE_S)

    async def _follow(self, stream: faust.StreamT[bytes]) -> None:
        """A record counts as read when its alerts are on their topic."""
        try:
            async for event in stream.events():
                message = event.message
                for one in self._take(message):
                    await self._tell(one)
                self._read[message.topic, message.partition] = message.offset + 1
        except Exception as error:  # Faust would go on without this agent, silently
            if not self._failure.done():
                self._failure.set_exception(error)
            raise

    def _take(self, message: Any) -> Sequence[Raised]:
        department, headers = self._departments[message.topic], dict(message.headers or ())
        if headers.get("ce_type") in self._passed_over[department]:
            return ()
        try:
            share = decode_share(message.partition, message.offset, message.key, message.value, headers)
        except MalformedRecordError as error:
            log.warning("a record is left out of the windows", topic=message.topic, reason=str(error))
            return ()
        return self._live.take(department, share, datetime.now(UTC))

    async def _tell(self, one: Raised) -> None:
        record = encode_alert(one, self._source)
        partition, key, value, headers = record
        await _sent([await self._alerts.send(key=key, value=value, partition=partition, headers=headers)])
        log.info("alert", type=one.alert.TYPE, id=str(one.id))

    async def _tick(self) -> None:
        now, read = datetime.now(UTC), dict(self._read)
        if (ends := await self._ask_ends()) is None:
            return
        if anew := [place for place, end in ends.items() if end < read[place]]:
            raise MadeAnewError(topic=anew[0][0])  # or Faust would leave out what lies before
        if 0 < len(assigned(self._app)) < len(self._starts):
            raise NotAloneError(partitions=len(assigned(self._app)), wanted=len(self._starts))
        passed = {name: self._look(name, topic, now, ends) for topic, name in self._departments.items()}
        for one in self._live.tick(now, passed):
            await self._tell(one)
        for name in passed.keys() - self._caught_up:
            if passed[name] > LONG_AGO:
                self._caught_up.add(name)
                log.info("windows are right", department=name)
        await self._show(now, passed)

    def _look(self, department: str, topic: str, now: datetime, ends: Mapping[Place, int]) -> datetime:
        own = {partition: end for (of_topic, partition), end in ends.items() if of_topic == topic}
        return self._reaches[department].look(now, own, {part: self._read[topic, part] for part in own})

    async def _ask_ends(self) -> Mapping[Place, int] | None:
        """None while Kafka is away: then nobody knows what is on its way."""
        places = [TP(topic, partition) for topic, partition in self._starts]
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await self._app.consumer.highwaters(*places)
        except Exception as error:  # noqa: BLE001 whatever it is, there are no ends; the watchdog sees when it lasts
            log.warning("Kafka does not say where its topics end", reason=repr(error))
            return None
        return {(place.topic, place.partition): end for place, end in found.items()}

    async def _show(self, now: datetime, passed: Mapping[str, datetime]) -> None:
        """Only what is right: a department's rows are as they were until all that there was has been read."""
        windows = [window for window in self._live.windows if window.department in self._caught_up]
        changed: dict[str, bytes | None] = dict(self._screen.changes(windows, now))
        if now - self._beaten_at >= timedelta(seconds=BEAT_S):
            changed |= {f"as_of/{name}": rfc3339(passed[name]).encode() for name in self._caught_up}
            self._beaten_at = now
        await _sent([await self._rows.send(key=key.encode(), value=row) for key, row in changed.items()])


async def _sent(waiting: Sequence[Awaitable[Any]]) -> None:
    """Until Kafka has all of them."""
    try:
        async with asyncio.timeout(SENT_S):
            await asyncio.gather(*waiting)
    except TimeoutError as error:
        raise NotSentError(waited_s=SENT_S) from error
