"""A stream of server-sent events as its reader has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from domain.access.facts import Role
from tests.http_api import HttpApi

PATIENCE_S = 10.0


class Message(NamedTuple):
    """One message; a comment has no event."""

    event: str | None
    id: str | None
    content: Any
    comment: str | None = None

    @property
    def number(self) -> str | None:
        """The id without its mark."""
        return self.id and self.id.partition(".")[0]


class Stream:
    """Read line by line; waits `PATIENCE_S` for the next one at most."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer, self._lines = answer, answer.iter_lines()

    def __iter__(self) -> Iterator[Message]:
        """To the end, comments and all."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(":")
                fields[name or "comment"] = value.strip()
            elif fields:
                content = json.loads(fields["data"]) if "data" in fields else None
                yield Message(fields.get("event"), fields.get("id"), content, fields.get("comment"))
                fields = {}

    def take(self, count: int) -> list[Message]:
        """The next messages that are events."""
        events = (message for message in self if message.event)
        return [next(events) for _ in range(count)]

    def comment(self) -> Message:
        return next(message for message in self if message.comment)


@contextmanager
def following(
    api: HttpApi, path: str, *, role: Role = Role.ADMINISTRATOR, last_id: object = None, **query: Any
) -> Iterator[Stream]:
    """`from_` and `type_` in the query are `from` and `type`."""
    headers: Mapping[str, str] = {
        "Authorization": f"Bearer {api.key(role).text}",
        "Accept": "text/event-stream",
        **({} if last_id is None else {"Last-Event-ID": str(last_id)}),
    }
    with (
        httpx.Client(base_url=api.url, timeout=PATIENCE_S) as client,
        client.stream(
            "GET", path, params={name.rstrip("_"): value for name, value in query.items()}, headers=headers
        ) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            answer.read()
            raise AssertionError(answer.text)
        yield Stream(answer)
