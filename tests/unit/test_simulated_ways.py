"""The ways of the demonstration's partner: what comes again is dropped, and what does not come is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from adapters.ids import uuid7
from adapters.simulation import ways
from adapters.simulation.ways import Hook, LateError, Pull, Stream
from domain.errors import UnavailableError

FEED = uuid7()


def event(number: int) -> dict[str, Any]:
    return {"feedseq": number}


def answering(*bodies: str | int) -> httpx.Client:
    """One after the other; a number is a status."""
    left: Iterator[str | int] = iter(bodies)

    def answer(_: httpx.Request) -> httpx.Response:
        body = next(left)
        return httpx.Response(body) if isinstance(body, int) else httpx.Response(200, text=body)

    return httpx.Client(base_url="http://relato.test", transport=httpx.MockTransport(answer))


def page(*numbers: int) -> str:
    return json.dumps({"events": [event(n) for n in numbers], "next": numbers[-1]})


def messages(*numbers: int) -> str:
    return "".join(f": beat\n\nid: {n}\nevent: fact\ndata: {json.dumps(event(n))}\n\n" for n in numbers)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setattr(ways, "PATIENCE_S", 0.1)
    with closing(Hook()) as hook:
        yield hook


def test_pull_goes_on_page_by_page_from_where_it_was() -> None:
    pull = Pull(answering(page(1, 2), page(3), page(4, 7)), FEED)
    assert [one["feedseq"] for one in pull.follow(3)] == [1, 2, 3]
    assert [one["feedseq"] for one in pull.follow(7)] == [4, 7]


def test_a_stream_is_read_until_the_number_has_come() -> None:
    stream = Stream(answering(messages(1, 2, 3), messages(3)), FEED)
    assert [one["feedseq"] for one in stream.follow(2)] == [1, 2]
    assert [one["feedseq"] for one in stream.follow(3)] == [3]


def test_a_stream_that_ends_before_is_told() -> None:
    with pytest.raises(LateError):
        Stream(answering(messages(1)), FEED).follow(2)


def test_an_api_that_refuses_is_told() -> None:
    with pytest.raises(UnavailableError) as refused:
        Pull(answering(401), FEED).follow(1)
    assert "401" in str(refused.value.details)


def test_a_webhook_that_comes_again_is_dropped(hook: Hook) -> None:
    with httpx.Client() as sender:
        for number in (1, 1, 2, 1, 3):
            assert sender.post(hook.url, json=event(number)).status_code == 204
    assert [one["feedseq"] for one in hook.follow(3)] == [1, 2, 3]


def test_a_webhook_that_does_not_come_is_told(hook: Hook) -> None:
    with pytest.raises(LateError):
        hook.follow(1)
