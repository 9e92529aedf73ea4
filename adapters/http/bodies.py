"""A request's body: read within its limits, as a JSON object, as a command."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.types import Receive, Scope

from adapters.http.errors import (
    BodyError,
    MalformedError,
    MediaTypeError,
    PackedError,
    TooLargeError,
    TooSlowError,
)
from adapters.http.observing import PRINCIPAL
from adapters.http.problems import faults_of
from domain.decider import Command, Registration

if TYPE_CHECKING:
    from adapters.http.parts import Parts

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Headers = Mapping[bytes, bytes]
LARGE_BYTES = 256 * 1024  # a body above it has to find room
TEXT = re.compile(rb'"[^"\\]*+(?>\\.[^"\\]*+)*+"', re.DOTALL)
PERHAPS_INFINITE = re.compile(rb"[0-9][eE]\+?[0-9]{3}|[0-9]{300}")  # is JSON, and read as infinite
MOST_SEPARATORS = 300_000  # of a large body: no other thread gets its turn while it is parsed
MOST_NAMES, MOST_PARTS = 50, 2_000  # of one object, of one list: nothing asks for as many, and each might be a fault


async def read_object(parts: Parts, scope: Scope, receive: Receive, *, may_lack: bool = True) -> dict[str, Any]:
    """Of a caller who is known; no body, if it `may_lack`, is an empty object. Raises RelatoError, and does nothing."""
    if (kind := dict(scope["headers"]).get(b"content-type")) is not None and b"json" not in kind.lower():
        raise MediaTypeError(content_type=kind.decode("latin-1"))
    return await read_body(parts, scope, receive, parse_object if may_lack else _parse_present)


async def read_body(parts: Parts, scope: Scope, receive: Receive, parse: Callable[[bytes], T]) -> T:
    """As `read_object`, of whichever kind `parse` takes."""
    headers, limits = dict(scope["headers"]), parts.limits
    check_announced(headers, limits.body_bytes)
    with ExitStack() as held:
        room = parts.large_bodies.taken_by(scope[PRINCIPAL])
        try:
            async with asyncio.timeout(limits.body_s):
                body = await _read(receive, limits.body_bytes, partial(held.enter_context, room))
        except TimeoutError as error:
            raise TooSlowError(seconds=limits.body_s) from error
        return await parts.workers.run(_parse_large, body, parse) if len(body) > LARGE_BYTES else parse(body)


def _parse_large(body: bytes, parse: Callable[[bytes], T]) -> T:
    check_separators(body)
    return parse(body)


def check_separators(body: bytes) -> None:
    """Raises BodyError where a large body is many parts, not long texts: while they are parsed all others wait."""
    if (outside := body.count(b",")) <= MOST_SEPARATORS:
        return
    for text in TEXT.finditer(body):
        if (outside := outside - body.count(b",", *text.span())) <= MOST_SEPARATORS:
            return
    raise BodyError([{"pointer": "#", "detail": f"has more than {MOST_SEPARATORS:,} parts; send them in several"}])


def check_announced(headers: Headers, most_bytes: int) -> None:
    """What is said of a body before it comes. Raises PackedError, TooLargeError."""
    if (packed := headers.get(b"content-encoding", b"identity").lower()) != b"identity":
        raise PackedError(content_encoding=packed.decode("latin-1"))
    if (told := headers.get(b"content-length")) is not None and int(told) > most_bytes:
        raise TooLargeError(most_bytes=most_bytes)


async def _read(receive: Receive, most_bytes: int, make_room: Callable[[], None]) -> bytes:
    """`make_room` is called once it turns out to be large."""
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedError("the connection ended within the body")
        parts.append(part := message.get("body", b""))
        if size <= LARGE_BYTES < size + len(part):
            make_room()
        if (size := size + len(part)) > most_bytes:
            raise TooLargeError(most_bytes=most_bytes)
        if not message.get("more_body"):
            return b"".join(parts) if len(parts) > 1 else part


def _parse_present(body: bytes) -> dict[str, Any]:
    if not body:
        raise MalformedError("there is no body; send {} if there is nothing to say of what is new")
    return parse_object(body)


def parse_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        found = from_json(body, allow_inf_nan=False, cache_strings="keys")
        if PERHAPS_INFINITE.search(body):
            json.dumps(found, allow_nan=False)
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


def parse_model(model: type[M], given: Mapping[str, Any]) -> M:
    """BodyError names each fault by its place."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise BodyError(faults_of(error.errors(include_url=False, include_input=False))) from error


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
