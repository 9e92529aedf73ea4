"""A request's body: read within its limits, as a JSON object, as a command."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.types import Receive

from adapters.http.errors import BodyError, MalformedError, MediaTypeError, TooLargeError, TooSlowError
from adapters.http.problems import faults_of
from domain.decider import Command, Registration

Headers = Mapping[bytes, bytes]
MOST_NAMES, MOST_PARTS = 50, 2_000  # of one object, of one list: nothing asks for as many, and each might be a fault


async def read_object(headers: Headers, receive: Receive, *, within_s: float, most_bytes: int) -> dict[str, Any]:
    if (kind := headers.get(b"content-type")) is not None and b"json" not in kind.lower():
        raise MediaTypeError(content_type=kind.decode("latin-1"))
    try:
        async with asyncio.timeout(within_s):
            body = await _read(headers, receive, most_bytes)
    except TimeoutError as error:
        raise TooSlowError(seconds=within_s) from error
    return parse_object(body)


async def _read(headers: Headers, receive: Receive, most_bytes: int) -> bytes:
    if (told := headers.get(b"content-length")) is not None and int(told) > most_bytes:
        raise TooLargeError(most_bytes=most_bytes)
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedError("the connection ended within the body")
        parts.append(part := message.get("body", b""))
        if (size := size + len(part)) > most_bytes:
            raise TooLargeError(most_bytes=most_bytes)
        if not message.get("more_body"):
            return b"".join(parts) if len(parts) > 1 else part


def parse_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        found = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise MalformedError(reason=str(error)) from error
    if not isinstance(found, dict):
        raise MalformedError
    check_counts(found)
    return found


def check_counts(given: Mapping[str, Any]) -> None:
    """How many there are, of the object and of those in the lists in it. Raises BodyError."""
    lists = [part for part in given.values() if type(part) is list]
    if any(len(parts) > MOST_PARTS for parts in lists):
        raise BodyError([{"pointer": "#", "detail": f"has a list with more than {MOST_PARTS} parts"}])
    if any(len(part) > MOST_NAMES for parts in ([given], *lists) for part in parts if type(part) is dict):
        raise BodyError([{"pointer": "#", "detail": f"has an object with more than {MOST_NAMES} names"}])


def make_command(registration: Registration, given: Mapping[str, Any], ids: Mapping[str, UUID]) -> Command:
    """`ids` are those that were made or stand in the path. BodyError names each fault by its place."""
    check_counts(given)
    addressed = registration.targets[0].field
    if addressed in given:
        raise BodyError([{"pointer": f"#/{addressed}", "detail": "stands in the path, not in the body"}])
    try:
        return registration.command.model_validate({**ids, **given})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise BodyError(faults_of(faults)) from error
