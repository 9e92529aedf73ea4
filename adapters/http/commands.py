"""`POST /v1/<aggregate>/<id>/<command>`, for every registered command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from starlette.types import Receive, Scope, Send

from adapters.giving import command_id_of, made_ids, make_ids
from adapters.http.answers import Answer, in_json
from adapters.http.bodies import make_command, read_object
from adapters.http.errors import BodyError, MethodError
from adapters.http.executing import Callers
from adapters.http.guards import guard_of
from adapters.http.observing import CORRELATION, ROUTE
from adapters.http.parts import Parts
from adapters.http.principal import Principal
from adapters.http.problems import answered, code_of
from adapters.ids import uuid7
from domain.decider import Registration, Registry
from domain.errors import InvalidError, RelatoError, UnknownCommandError
from domain.execute import Context, Outcome
from projections.disclosure import act_of, allowed

FILES: Final = "attachments"  # no command: the files of whatever stands before it
NEW: Final = "new"  # instead of an id: one is made
LONGEST_KEY = 255
VERSION = re.compile(rb'(?:W/)?"([0-9]{1,18})"')


class HeaderError(InvalidError):
    """A header of the request does not say what it should."""


class Asked(NamedTuple):
    """What a path names: a command, and the id it is addressed to, as it was written."""

    registration: Registration
    address: str


class Commands:
    """All commands behind one look-up, in front of the router: a command's way through its layers cost more than it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._callers = Callers(parts.executor, parts.workers)
        self._by_path = by_path(parts.executor.registry)
        self._aggregates = {aggregate for aggregate, _ in self._by_path}

    def concerns(self, scope: Scope) -> bool:
        """Whether a path is a command's, by its form and its aggregate."""
        steps = scope["path"].split("/", 5)
        is_command = len(steps) == 5 and steps[1] == "v1" and steps[2] in self._aggregates  # noqa: PLR2004 as many as it has
        return is_command and steps[4] != FILES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await answered(self._counted(scope, receive))).send(send)

    async def _counted(self, scope: Scope, receive: Receive) -> Answer:
        try:
            return await self._give(_find(self._by_path, scope), scope, receive)
        except RelatoError as error:
            self._parts.metrics.count_refusal(code_of(type(error)))
            raise

    async def _give(self, asked: Asked, scope: Scope, receive: Receive) -> Answer:
        parts, (registration, address), headers = self._parts, asked, dict(scope["headers"])
        scope[ROUTE] = f"/v1/{registration.command.NAME.replace('.', '/{id}/')}"
        principal = await parts.authenticate(scope)
        allowed(principal.roles, act_of(registration.command.NAME))
        is_new = address == NEW
        guard = guard_of(registration, principal, is_new=is_new)
        given = await read_object(parts, scope, receive, may_lack=not is_new)
        key = read_key(headers.get(b"idempotency-key"))
        ids = ids_of(parts, registration, address, given=given, principal=principal, key=key)
        command = make_command(registration, given, ids)
        context = context_of(
            parts,
            principal,
            key,
            expected_version=read_version(headers.get(b"if-match"), headers.get(b"if-none-match")),
            occurred_at=read_time(headers.get(b"relato-occurred-at")),
        )
        if guard:
            await parts.workers.run(guard, parts, principal, command)
        outcome = await self._callers.execute(command, context, is_new=is_new)
        parts.metrics.count_command(outcome)
        return answer_of(registration.command.NAME, ids, outcome)


def _find(by_path: Mapping[tuple[str, str], Registration], scope: Scope) -> Asked:
    _, _, aggregate, address, name = scope["path"].split("/")
    if (registration := by_path.get((aggregate, name))) is None:
        raise UnknownCommandError(command=f"{aggregate}.{name}")
    if scope["method"] != "POST":
        raise MethodError(allow="POST")
    return Asked(registration, address)


def by_path(registry: Registry) -> Mapping[tuple[str, str], Registration]:
    """By aggregate and verb, as they stand in the path."""
    split = ((registration, *registration.command.NAME.partition(".")) for registration in registry)
    return {(aggregate, verb): registration for registration, aggregate, _, verb in split}


def ids_of(
    parts: Parts,
    registration: Registration,
    address: str,
    *,
    given: Mapping[str, Any],
    principal: Principal,
    key: str | None,
) -> dict[str, UUID]:
    """The id in the path, or one that is made for `new`, and those of persons that were left out."""
    addressed = registration.targets[0].field
    names = [name for name in made_ids(registration.command, addressed) if name not in given]
    if address == NEW:
        return make_ids(parts.vault, principal.id, key, names)
    try:
        ids = {addressed: UUID(address)}
    except ValueError as error:
        raise BodyError([{"pointer": "#/path", "detail": "should be a UUID, or `new` for one that is made"}]) from error
    return make_ids(parts.vault, principal.id, key, (name for name in names if name != addressed)) | ids


def context_of(
    parts: Parts,
    principal: Principal,
    key: str | None,
    *,
    expected_version: int | None = None,
    occurred_at: datetime | None = None,
) -> Context:
    return Context(
        uuid7() if key is None else command_id_of(parts.vault, principal.id, key),
        principal.id,
        occurred_at=occurred_at,
        correlation_id=CORRELATION.get(),
        expected_version=expected_version,
        fresh=key is None,
        timeout_s=parts.limits.command_s,
    )


def read_key(header: bytes | None) -> str | None:
    if header is None:
        return None
    if not 0 < len(header) <= LONGEST_KEY:
        raise HeaderError(f"Idempotency-Key: write 1 to {LONGEST_KEY} characters")
    return header.decode("latin-1")


def read_version(if_match: bytes | None, if_none_match: bytes | None) -> int | None:
    """`If-Match: "7"` is version 7, `If-None-Match: *` a stream that has no facts yet."""
    if if_none_match is not None:
        if if_none_match.strip() != b"*" or if_match is not None:
            raise HeaderError("If-None-Match: only * is understood, and not beside If-Match")
        return 0
    if if_match is None:
        return None
    if not (found := VERSION.fullmatch(if_match)):
        raise HeaderError('If-Match: write the version as its ETag gave it, like "7"')
    return int(found[1])


def read_time(header: bytes | None) -> datetime | None:
    """Aware or not: the executor refuses a time that says nothing of its zone."""
    if header is None:
        return None
    try:
        return datetime.fromisoformat(header.decode("latin-1"))
    except ValueError as error:
        raise HeaderError("Relato-Occurred-At: write a time like 2026-03-31T14:30:00+02:00") from error


def told(command: str, ids: Mapping[str, UUID], outcome: Outcome) -> dict[str, Any]:
    """An outcome as it is answered, alone and in a batch."""
    return {
        "command": command,
        "command_id": outcome.command_id,
        "ids": ids,
        "version": outcome.version,
        "repeated": outcome.repeated,
        "token": outcome.token,
        "positions": [place.position for place in outcome.places],
    }


def status_of(outcome: Outcome) -> int:
    """201 when facts were recorded now; 200 when nothing had to change, or it was done before."""
    return 201 if outcome.places and not outcome.repeated else 200


def answer_of(command: str, ids: Mapping[str, UUID], outcome: Outcome) -> Answer:
    headers = {"relato-token": outcome.token} if outcome.places else {}
    if outcome.version is not None:
        headers["etag"] = f'"{outcome.version}"'
    if outcome.repeated:
        headers["idempotency-replayed"] = "true"
    return in_json(told(command, ids, outcome), status_of(outcome), headers)
