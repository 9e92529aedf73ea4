"""`/v1/<aggregate>/<id>/attachments`: files in and out, block by block, for everything that can have some."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote, unquote
from uuid import UUID

from fastapi import FastAPI, Header, Path, Query, Request, Response
from starlette.types import Scope

from adapters.attachments.attaching import attach
from adapters.attachments.files import FileWriter, Written
from adapters.attachments.finding import (
    OpenedFile,
    find_attached,
    find_attachment,
    open_file,
    subject_of,
    tell_attached,
)
from adapters.attachments.media_types import check_type, served_as
from adapters.giving import command_id_of, make_ids
from adapters.http.answers import in_json
from adapters.http.commands import HeaderError, answer_of, context_of
from adapters.http.errors import DigestError
from adapters.http.file_schemas import A_FILE, ATTACHMENTS_ANSWER, FILE_ANSWERS, LARGEST
from adapters.http.openapi import DEPARTMENTS
from adapters.http.parts import Parts
from adapters.http.permission import permits
from adapters.http.principal import Caller, Principal
from adapters.http.problems import refused
from adapters.http.ranges import Range, parse_range
from adapters.http.schemas import done, problems_for
from adapters.http.sending import Sent
from adapters.http.standing import is_still, require_still
from adapters.http.uploads import pieces_of
from domain.attachment.decider import ATTACHING
from domain.errors import RelatoError
from domain.execute import Outcome
from domain.moments import Moment
from projections.disclosure import act_of
from projections.rendering import marked
from projections.whose import Sight, require_theirs, seeing

MOST = 1_000
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
    "Accept-Ranges": "bytes",
}
Id = Annotated[UUID, Path(alias="id", description="What the files belong to.")]
AttachmentId = Annotated[UUID, Path(description="As the list names it.")]
Name = Annotated[
    str,
    Header(
        alias="Relato-File-Name",
        description="The file's name, in UTF-8 with `%` before the codes of what is not ASCII.",
        min_length=1,
        max_length=1_000,
        examples=["offer%20%E2%82%AC.pdf"],
    ),
]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="Yours: the same makes it happen once.", min_length=1, max_length=255),
]
OccurredAt = Annotated[
    Moment | None, Header(alias="Relato-Occurred-At", description="When it was true; now unless given.")
]
Digest = Annotated[
    str | None,
    Header(
        alias="Content-Digest",
        description="`sha-256=:…:` (RFC 9530): what came is refused unless it is that.",
        pattern=r"^sha-256=:[A-Za-z0-9+/]{43}=:$",
    ),
]
After = Annotated[int, Query(ge=0, lt=2**63, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST)]
RangeHeader = Annotated[
    str | None, Header(alias="Range", description="`bytes=0-1023`: that part alone; one range.", max_length=200)
]


def add_attachments(app: FastAPI, parts: Parts) -> None:
    for aggregate in ATTACHING:
        more: dict[str, Any] = {"tags": [DEPARTMENTS[aggregate]], "response_class": Response}
        path = f"/v1/{aggregate}/{{id}}/attachments"
        app.add_api_route(
            path,
            _adding(parts, aggregate),
            methods=["POST"],
            status_code=201,
            operation_id=f"{aggregate}.attach",
            summary=f"Attach a file to the {aggregate}",
            description="The body is the file, its type the header Content-Type. It is checked, sealed block by block"
            " and stored as it comes; what breaks off leaves nothing that anyone could find.",
            responses={
                201: done("It is attached."),
                200: done("It was attached before, under the same key."),
                **problems_for(400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 503, 504),
            },
            openapi_extra=A_FILE,
            dependencies=permits(act_of(ATTACHING[aggregate].NAME)),
            max_body_size=LARGEST,
            **more,
        )
        app.add_api_route(
            path,
            _listing(parts, aggregate),
            methods=["GET"],
            operation_id=f"{aggregate}.attachments",
            summary=f"The {aggregate}'s files",
            description="In the order in which they were attached, without those that were removed.",
            responses={200: ATTACHMENTS_ANSWER, **problems_for(401, 403, 404, 422, 503)},
            **more,
        )
        app.add_api_route(
            f"{path}/{{attachment_id}}",
            _reading(parts, aggregate),
            methods=["GET"],
            operation_id=f"{aggregate}.attachment",
            summary="One file",
            description="Always as a download; types that a browser might run leave as application/octet-stream.",
            responses={**FILE_ANSWERS, **problems_for(401, 403, 404, 410, 416, 422, 503)},
            **more,
        )


def _adding(parts: Parts, aggregate: str) -> Callable[..., Any]:
    async def add(
        request: Request,
        caller: Caller,
        id_: Id,
        name: Name,
        *,
        key: Key = None,
        occurred_at: OccurredAt = None,
        digest: Digest = None,
    ) -> Response:
        limits, sight = parts.limits, seeing(caller.roles, aggregate)
        media_type = check_type(request.headers.get("content-type", ""), limits.attachment_types)
        file_name, context = _unquoted(name), context_of(parts, caller, key, occurred_at=occurred_at)
        subject_id = await parts.workers.run(_subject_of, parts, caller, sight, id_)
        ids = make_ids(parts.vault, caller.id, key, ["attachment_id"])
        with parts.transfers.taken_by(caller.id):
            keep = key is None or not await parts.workers.run(_is_known, parts, caller, key)
            writer = FileWriter(parts.contents, ids["attachment_id"], media_type, keep=keep)
            still = partial(require_still, parts, request.scope, caller)
            async for piece in pieces_of(
                dict(request.scope["headers"]), request.receive, limits, limits.attachment_bytes, still
            ):
                writer.take(piece)
                if writer.is_full:
                    await parts.workers.run(writer.store)
            written = await parts.workers.run(writer.finish)
        _check_digest(digest, written)
        command = attach(
            aggregate, id_, ids["attachment_id"], subject_id, name=file_name, media_type=media_type, written=written
        )
        outcome: Outcome = await parts.workers.run(parts.executor.execute, command, context)
        parts.metrics.count_command(outcome)
        return answer_of(command.NAME, ids, outcome).response()

    return add


def _subject_of(parts: Parts, caller: Principal, sight: Sight, id_: UUID) -> UUID:
    """Of what the caller sees the files of: nobody puts one where they could not list it."""
    subject_id = subject_of(parts.attachments, sight.aggregate, id_)
    require_theirs(sight, caller, id_, partial(parts.pages.read, limit=1))
    return subject_id


def _is_known(parts: Parts, caller: Principal, key: str) -> bool:
    """Whether a file came under this key before: then nothing is stored a second time."""
    return parts.attachments.has_command(command_id_of(parts.vault, caller.id, key))


def _unquoted(name: str) -> str:
    try:
        return unquote(name, errors="strict").strip()
    except UnicodeDecodeError as error:
        raise HeaderError("Relato-File-Name: what is not ASCII is written in UTF-8, with % before its codes") from error


def _check_digest(digest: str | None, written: Written) -> None:
    told = base64.b64encode(bytes.fromhex(written.sha256)).decode()
    if digest is not None and digest != f"sha-256=:{told}:":
        raise DigestError


def _listing(parts: Parts, aggregate: str) -> Callable[..., Any]:
    async def list_(caller: Caller, id_: Id, *, after: After = 0, limit: Limit = 200) -> Response:
        sight = seeing(caller.roles, aggregate)
        found = await parts.workers.run(_find, parts, caller, sight, id_, after=after, limit=limit)
        return in_json(found).response()

    return list_


def _find(parts: Parts, caller: Principal, sight: Sight, id_: UUID, *, after: int, limit: int) -> Mapping[str, Any]:
    require_theirs(sight, caller, id_, partial(parts.pages.read, limit=1))
    found = find_attached(parts.attachments, sight.aggregate, id_, after=after, limit=limit)
    told = tell_attached(found.events, parts.disclosure(caller, sight.grant))
    return {"attachments": [marked(one) for one in told], "next": found.next}


def _reading(parts: Parts, aggregate: str) -> Callable[..., Any]:
    async def read(
        request: Request, caller: Caller, id_: Id, attachment_id: AttachmentId, *, asked_range: RangeHeader = None
    ) -> Response:
        sight = seeing(caller.roles, aggregate)
        open_ = partial(_open, parts, caller, sight, id_, attachment_id)
        opened = await parts.workers.run(open_)
        part = parse_range(asked_range, opened.reader.size)
        first, end = part or Range(0, opened.reader.size)
        blocks = opened.reader.read(first, end)
        begin = await parts.workers.run(next, blocks, b"")
        headers = _headers(opened, attachment_id) | {"Content-Length": str(end - first)}
        headers["Content-Type"] = served_as(opened.media_type)
        if part:
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{opened.reader.size}"
        may_go_on = partial(_is_open_still, parts, request.scope, caller, open_)
        return Sent(parts, blocks, may_go_on, begin=begin, status=206 if part else 200, headers=headers)

    return read


def _open(parts: Parts, caller: Principal, sight: Sight, id_: UUID, attachment_id: UUID) -> OpenedFile:
    require_theirs(sight, caller, id_, partial(parts.pages.read, limit=1))
    fact = find_attachment(parts.attachments, sight.aggregate, id_, attachment_id)
    return open_file(parts.contents, parts.disclosure(caller, sight.grant), attachment_id, fact)


async def _is_open_still(parts: Parts, scope: Scope, caller: Principal, open_: Callable[[], OpenedFile]) -> bool:
    """Whether it would be opened now, too; what cannot be asked is no yes: the rest can be had by its range."""
    if not await is_still(parts, scope, caller):
        return False
    try:
        await parts.workers.run(open_)
    except RelatoError as error:
        refused(error)
        return False
    return True


def _headers(opened: OpenedFile, attachment_id: UUID) -> dict[str, str]:
    name = opened.name or str(attachment_id)
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    digest = base64.b64encode(bytes.fromhex(opened.sha256)).decode()
    return SAFE | {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "ETag": f'"{attachment_id}"',
        "Repr-Digest": f"sha-256=:{digest}:",
    }
