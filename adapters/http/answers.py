"""Answers in JSON, and how one is sent without what Starlette does for every kind of answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Send

JSON = "application/json"


class Answer(NamedTuple):
    """A whole answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    media_type: str = JSON

    async def send(self, send: Send) -> None:
        headers = [(b"content-type", self.media_type.encode()), (b"content-length", b"%d" % len(self.body))]
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    def response(self) -> Response:
        """For a route of FastAPI's."""
        return Response(self.body, self.status, dict(self.headers), self.media_type)


def in_json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """UUIDs, times and money are written as pydantic writes them."""
    return Answer(to_json(content), status, headers or {})
