"""One endpoint's queue: its feed in order, one message at a time, held up by nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import structlog

from domain.endpoint.decider import Endpoint
from domain.errors import ConflictError, SecretLostError, UnavailableError
from streams.feeds.delivery import FeedClosedError, FeedPage, FeedPositionError
from streams.feeds.disclosing import CloudEvent
from streams.webhooks.desk import NOT_TAKEN, TAKEN, Attempt, Errand, Kind, News, Standing, Step, Tools
from streams.webhooks.journal import Journal
from streams.webhooks.messages import Message, message_of, ping_of
from streams.webhooks.schedule import Answer, GivenUp, after

PAGE = 100
FRESH = timedelta(seconds=2)  # so long a page is sent as it was read: somebody may be erased meanwhile
PAUSE_S = 1.0  # where a part of ours is away
SUSPENDED_S = 2.0
IDLE_S = 60.0
SECRET_S = 5.0  # so often a secret that was lost is looked for

_log = structlog.get_logger(__name__)


class Queue:
    """`run` goes on until it is cancelled."""

    def __init__(self, endpoint: Endpoint, standing: Standing, tools: Tools, news: News, journal: Journal) -> None:
        self.standing = standing._replace(lacks="")  # told anew by each worker
        self._endpoint, self._tools, self._news, self._journal = endpoint, tools, news, journal
        self._line = tools.open_line()
        self._errands: dict[int, Errand] = {}
        self._known: set[int] = set()
        self._nudged = asyncio.Event()
        self._signed: Endpoint | None = None  # whose secrets are at hand
        self._pace = PAGE

    def change(self, endpoint: Endpoint, standing: Standing) -> None:
        """What is under way is finished as it was begun."""
        self._endpoint, self.standing = endpoint, standing
        self._nudged.set()

    def give(self, errand: Errand) -> None:
        """Given twice it is done once."""
        if errand.number not in self._known:
            self._known.add(errand.number)
            self._errands[errand.number] = errand
            self._nudged.set()

    async def run(self) -> NoReturn:
        try:
            while True:
                self._nudged.clear()
                await self._survive(self._turn())
        finally:
            await self._line.close()

    async def _survive(self, turn: Coroutine[Any, Any, None]) -> None:
        try:
            await self._count_what_breaks(turn)
        except SecretLostError as error:
            self._lack(str(error))
            await self._rest(SECRET_S)
        except UnavailableError as error:
            _log.warning("webhook waits", endpoint=str(self.standing.endpoint_id), reason=str(error))
            await asyncio.sleep(PAUSE_S)

    async def _count_what_breaks(self, turn: Coroutine[Any, Any, None]) -> None:
        """A message that cannot be made holds up its own endpoint alone, and is told as a failure of it."""
        try:
            await turn
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 the edge of a loop: counted, and given up after so many
            _log.error("webhook broke", endpoint=str(self.standing.endpoint_id), kind=type(error).__name__)
            await self._judge(Answer(None, f"it could not be made: {type(error).__name__}"), self.standing.taken)

    def _lack(self, what: str) -> None:
        """It uses up no attempt: the partner is not to blame, and nothing was sent."""
        if what == self.standing.lacks:
            return
        if what:
            _log.error("webhook waits for its secret", endpoint=str(self.standing.endpoint_id), reason=what)
        else:
            _log.info("webhook has its secret again", endpoint=str(self.standing.endpoint_id))
        self.standing = self.standing._replace(lacks=what)
        self._journal.stand(self.standing)

    async def _turn(self) -> None:
        """A page of an errand, then one of the feed, so that neither waits for all of the other."""
        if self._errands:
            await self._go_on_with(next(iter(self._errands.values())))
        if not self._endpoint.sends:
            await self._rest()
        elif wait_s := self.standing.health.wait_s(self._tools.clock()):
            await self._rest(wait_s)
        else:
            await self._deliver()

    async def _deliver(self) -> None:
        limit = 1 if self.standing.health.since else self._pace
        try:
            page = await self._read(self.standing.taken, limit)
        except FeedPositionError as error:
            self._tell_why(str(error))
            page = FeedPage((), self.standing.taken, 0)
        except ConflictError:  # suspended
            await self._rest(SUSPENDED_S)
            return
        except FeedClosedError as error:
            await self._give_up(str(error))
            return
        for event in self._while_fresh(page.events):
            answer = await self._attempt(message_of(self.standing.feed, event), Kind.ENTRY)
            await self._judge(answer, event["feedseq"])
            if not answer.is_taken or self._nudged.is_set():
                return
        if not page.events and page.head > self.standing.taken:  # a feed that ends tells its tombstones alone
            await self._rest(SUSPENDED_S)
        elif not page.events:
            await self._await_news()

    def _tell_why(self, reason: str) -> None:
        """Why nothing is sent, where that is no failure of the endpoint."""
        if reason != self.standing.health.reason:
            self.standing = self.standing._replace(health=self.standing.health._replace(reason=reason))
            self._journal.stand(self.standing)

    def _while_fresh(self, events: Sequence[CloudEvent]) -> Iterator[CloudEvent]:
        """Those that there is time for, for somebody may be erased meanwhile; as many are read the next time."""
        stale = self._tools.clock() + FRESH
        for sent, event in enumerate(events):
            if sent and self._tools.clock() > stale:
                self._pace = sent
                return
            yield event
        self._pace = min(2 * self._pace, PAGE)

    async def _judge(self, answer: Answer, number: int) -> None:
        """What an attempt comes to; `number` is taken where it went well."""
        health = after(self.standing.health, answer, self._tools.clock(), self._tools.draw)
        if isinstance(health, GivenUp):
            await self._give_up(health.reason)
            return
        taken = number if answer.is_taken else self.standing.taken
        self.standing = self.standing._replace(taken=taken, health=health)
        self._journal.stand(self.standing)

    async def _give_up(self, reason: str) -> None:
        endpoint = self._endpoint
        await self._tools.threads.run(self._tools.disable, self.standing.endpoint_id, endpoint, reason)
        if self._endpoint is endpoint:  # not one that was enabled meanwhile
            self._endpoint = replace(endpoint, enabled=False)
            health = self.standing.health._replace(reason=reason, due=None)
            self.standing = self.standing._replace(sends=False, health=health)
            self._journal.stand(self.standing)

    async def _go_on_with(self, errand: Errand) -> None:
        """Each message once; the first that is not taken ends it, and its outcome says so."""
        try:
            step = await (self._ping(errand) if errand.first is None else self._resend(errand, errand.first))
        except SecretLostError as error:
            step = Step(errand.number, errand.first, f"{NOT_TAKEN}: {error}")
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 the edge of a loop: told as its outcome
            step = Step(errand.number, errand.first, f"{NOT_TAKEN}: it could not be made: {type(error).__name__}")
        self._journal.step(step)
        if step.outcome:
            del self._errands[errand.number]
        else:
            self._errands[errand.number] = errand._replace(first=step.following)

    async def _ping(self, errand: Errand) -> Step:
        answer = await self._attempt(ping_of(self._tools.source, self.standing.feed, errand.number), Kind.PING)
        return Step(errand.number, None, f"{TAKEN if answer.is_taken else NOT_TAKEN}: {answer.told}")

    async def _resend(self, errand: Errand, first: int) -> Step:
        last = errand.last or first
        if last > self.standing.taken:
            return Step(errand.number, first, f"{NOT_TAKEN}: it has come to {self.standing.taken} only")
        try:
            page = await self._read(first - 1, min(self._pace, last - first + 1))
        except (ConflictError, FeedClosedError, FeedPositionError) as error:
            return Step(errand.number, first, f"{NOT_TAKEN}: {error}")
        upto = first - 1 if page.events else last
        for event in self._while_fresh([event for event in page.events if event["feedseq"] <= last]):
            answer = await self._attempt(message_of(self.standing.feed, event), Kind.RESEND)
            if not answer.is_taken:
                return Step(errand.number, event["feedseq"], f"{NOT_TAKEN}: {event['feedseq']} {answer.told}")
            upto = event["feedseq"]
        is_done = upto >= last or page.next > last
        return Step(errand.number, upto + 1, f"{TAKEN}: all" if is_done else "")

    async def _attempt(self, message: Message, kind: Kind) -> Answer:
        tools, standing, endpoint, at = self._tools, self.standing, self._endpoint, self._tools.clock()
        asked = (standing.endpoint_id, endpoint, message, at)
        headers = tools.sign(*asked) if self._signed is endpoint else await tools.threads.run(tools.sign, *asked)
        self._signed = endpoint
        self._lack("")
        answer = await self._line.post(endpoint.url, headers, message.body)
        self._journal.attempted(Attempt(standing.endpoint_id, at, kind, message.feed_seq, answer))
        return answer

    async def _read(self, after_number: int, limit: int) -> FeedPage:
        return await self._tools.threads.run(self._tools.read, self.standing.feed, after_number, limit)

    async def _rest(self, timeout_s: float | None = None) -> None:
        if self._errands:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._nudged.wait()
        except TimeoutError:
            pass

    async def _await_news(self) -> None:
        if self._errands:
            return
        news = asyncio.ensure_future(self._news.wait(self.standing.feed, self.standing.taken, IDLE_S))
        nudge = asyncio.ensure_future(self._nudged.wait())
        try:
            await asyncio.wait({news, nudge}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            nudge.cancel()
            await asyncio.gather(news, nudge, return_exceptions=True)
