"""What a page of a feed says of itself holds, whatever is entered while it is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from starlette.requests import Request

from adapters.http.feed_reading import Asked, answer
from adapters.http.parts import Parts
from adapters.http.places import Place
from adapters.http.principal import Principal
from streams.feeds.delivery import FeedPage
from streams.feeds.disclosing import CloudEvent

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY = Principal("nobody", frozenset())


class Growing:
    """A source to which an entry comes, a second after the one before, whenever somebody has asked."""

    def __init__(self) -> None:
        self._entries = 0

    async def page(self, after: int, limit: int) -> FeedPage:
        head, self._entries = self._entries, self._entries + 1
        events: list[CloudEvent] = [{"feedseq": n, "time": str(n)} for n in range(after + 1, head + 1)][:limit]
        return FeedPage(events, events[-1]["feedseq"] if events else after, head)

    async def place_at(self, number: int) -> Place:
        return Place(number)

    def places(self, page: FeedPage) -> Sequence[Place]:
        return [Place(event["feedseq"]) for event in page.events]

    async def wait(self, after: int, timeout_s: float) -> None:
        pass

    async def complete_until(self) -> datetime:
        until, self._entries = BEGAN + timedelta(seconds=self._entries), self._entries + 1
        return until


def test_a_page_is_complete_up_to_when_it_says() -> None:
    request = Request({"type": "http", "headers": []})
    asked = Asked(after=Place(0), limit=100, wait_s=0, last_id=None, known=None)
    made = asyncio.run(answer(cast("Parts", None), request, NOBODY, Growing(), asked))
    head = json.loads(made.body)["head"]
    assert head["caught_up"]
    assert BEGAN + timedelta(seconds=head["feed_seq"]) >= datetime.fromisoformat(head["complete_until"])
