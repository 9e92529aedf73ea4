"""Every error as a problem (RFC 9457): one table from the error's class to its status, its name from the class."""

from __future__ import annotations

import inspect
import json
import traceback
from collections.abc import Awaitable, Iterator, Mapping
from datetime import date, datetime
from http import HTTPStatus
from itertools import islice
from typing import Any, NamedTuple

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapters.http import errors as http
from adapters.http.answers import Answer
from adapters.importers import background, spool
from domain import errors as domain
from domain.errors import RelatoError
from projections.disclosure import NotAllowedError
from streams.inbound import errors as inbound

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
MOST_FAULTS, LONGEST_NAME = 100, 100  # that are told; who sends a million of them need not read them
log = structlog.get_logger("relato")

# a class that is not named here has the status of the nearest one above it
STATUSES: Mapping[type[RelatoError], int] = {
    RelatoError: 500,
    http.MalformedError: 400,
    http.UnauthenticatedError: 401,
    NotAllowedError: 403,
    http.NoRouteError: 404,
    domain.UnknownError: 404,
    domain.UnknownCommandError: 404,
    http.MethodError: 405,
    http.UnacceptableError: 406,
    http.TooSlowError: 408,
    domain.RefusedError: 409,
    domain.ErasedError: 410,
    domain.RemovedError: 410,
    domain.VersionError: 412,
    http.TooLargeError: 413,
    domain.FactTooLargeError: 413,
    http.MediaTypeError: 415,
    http.PackedError: 415,
    domain.FileTypeError: 415,
    domain.ContentMismatchError: 415,
    http.RangeError: 416,
    http.HeadersTooLargeError: 431,
    domain.InvalidError: 422,
    domain.RepeatedError: 422,
    http.TooManyError: 429,
    domain.UnavailableError: 503,
    domain.OutcomeUnknownError: 504,
}
OF_HTTP: Mapping[int, type[RelatoError]] = {404: http.NoRouteError, 405: http.MethodError, 413: http.TooLargeError}


class Problem(NamedTuple):
    """What is told of an error: the members of RFC 9457, and the headers that go with it."""

    status: int
    members: Mapping[str, Any]
    headers: Mapping[str, str] = {}

    def answer(self) -> Answer:
        return Answer(json.dumps(self.members, default=_plain).encode(), self.status, self.headers, MEDIA_TYPE)


def status_of(error: type[RelatoError]) -> int:
    return next(STATUSES[known] for known in error.__mro__ if known in STATUSES)


def code_of(error: type[RelatoError]) -> str:
    return error.code()


def title_of(error: type[RelatoError]) -> str:
    return " ".join(inspect.cleandoc(error.__doc__ or "").split())


def known_problems() -> Iterator[type[RelatoError]]:
    """Every class that has a status of its own or inherits one, and may reach a caller."""
    found, left = dict[type[RelatoError], None](), [RelatoError]
    while left:
        error = left.pop()
        found[error] = None
        left += [sub for sub in error.__subclasses__() if sub not in found]
    named = {domain, http, background, spool, inbound}
    return (error for error in found if inspect.getmodule(error) in named or error is NotAllowedError)


def problem_of(error: RelatoError) -> Problem:
    status, code, title = status_of(type(error)), code_of(type(error)), title_of(type(error))
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR  # what a part of ours says is no caller's business
    members: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": title if is_ours else str(error),
        "code": code,
    }
    if error.details and not is_ours:
        members["details"] = error.details
    if isinstance(error, http.BodyError):
        members["errors"] = error.faults
    headers = _headers(status)
    if isinstance(error, http.TooManyError):
        headers = {"Retry-After": str(error.retry_after_s)}
    return Problem(status, members, headers)


def refused(error: RelatoError) -> Problem:
    """As it is answered; what is ours to mend is logged."""
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("refused", code=problem.members["code"], reason=str(error))
    return problem


def _headers(status: int) -> Mapping[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="relato"'}
    is_passing = status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
    if is_passing:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {"Allow": "POST"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}


def faults_of(errors: Any, start: int = 0) -> list[dict[str, str]]:
    """Pydantic's errors as places and texts; no value is repeated, and what is wrong inside says it better."""
    around = {fault["loc"][:depth] for fault in errors for depth in range(len(fault["loc"]))}
    innermost = (fault for fault in errors if fault["loc"] not in around)
    return [
        {
            "pointer": "#/" + "/".join(_escaped(str(step)) for step in fault["loc"][start:]),
            "detail": "is needed" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, "),
        }
        for fault in islice(innermost, MOST_FAULTS)
    ]


def _escaped(step: str) -> str:
    return step[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


async def answered(work: Awaitable[Answer]) -> Answer:
    """What it answers; what it raises as a problem."""
    try:
        return await work
    except RelatoError as error:
        return refused(error).answer()
    except Exception as error:  # noqa: BLE001 the edge of a loop: told as a problem, and logged
        return unexpected(error).answer()


async def answer_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, RelatoError)
    return refused(error).answer().response()


async def answer_http(_: Request, error: Exception) -> Response:
    """What the router refuses."""
    assert isinstance(error, HTTPException)
    known = OF_HTTP.get(error.status_code, http.MalformedError)
    problem = problem_of(known())
    return problem._replace(headers={**problem.headers, **(error.headers or {})}).answer().response()


async def answer_validation(_: Request, error: Exception) -> Response:
    """Of a route that FastAPI reads the parameters of; the first step of a place says whether query, path or body."""
    assert isinstance(error, RequestValidationError)
    return problem_of(http.BodyError(faults_of(error.errors()))).answer().response()


async def answer_unexpected(_: Request, error: Exception) -> Response:
    return unexpected(error).answer().response()


def unexpected(error: BaseException) -> Problem:
    """What nobody foresaw is told as that. Logged where it happened, never with which values: they may be personal."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("unexpected", error=type(error).__name__, at=places[-5:])
    return problem_of(RelatoError())
