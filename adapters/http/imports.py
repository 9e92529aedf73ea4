"""`/v1/imports`: a file is sent, imported in a process beside the API, and told about while it runs."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import FastAPI, Header, Path, Query, Request, Response

from adapters.http.answers import in_json
from adapters.http.errors import MappingRefusedError
from adapters.http.file_schemas import (
    IMPORT_ANSWER,
    IMPORTS_ANSWER,
    LARGEST,
    MAPPING_ANSWER,
    MAPPINGS_ANSWER,
    REJECTS_ANSWER,
    body_as,
)
from adapters.http.parts import Parts
from adapters.http.permission import permits
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import Schema, problems_for
from adapters.http.sending import Sent, blocks_of
from adapters.http.sse import EVENT_STREAM, EndedError, EventStream, message, paced
from adapters.http.standing import is_still, require_still
from adapters.http.uploads import pieces_of
from adapters.importers.background import UNDER_WAY, Receiving
from adapters.importers.errors import MappingError
from adapters.importers.mapping import check_commands, known_formats, parse_mapping

BUFFER_BYTES = 1 << 20
GLANCE_S = 0.5
REJECTS_HEADERS = {
    "Content-Type": "text/csv; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}
ACT = "operates"  # a mapping may order anything, who may do what too
Id = Annotated[UUID, Path(description="As the answer to the upload named it.")]
Mapping = Annotated[str, Query(description="A format of ours, or what `POST /v1/mappings` answered.", max_length=100)]
Name = Annotated[
    str,
    Query(
        description="The file's name; its ending says how it is packed (`.gz`, `.xz`, `.zip`), and a mapping of several"
        " files knows them by it.",
        min_length=1,
        max_length=200,
        examples=["orders.csv"],
    ),
]
DryRun = Annotated[bool, Query(description="Decide everything, append nothing, say what would be done.")]
Again = Annotated[bool, Query(description="From the first row, though it was imported before.")]
File = Annotated[str | None, Query(description="Which of the mapping's files, where it has several.", max_length=100)]
Accept = Annotated[str | None, Header(description=f"`{EVENT_STREAM}`: told as it goes on, until it ends.")]


def add_imports(app: FastAPI, parts: Parts) -> None:
    def add(
        path: str, endpoint: Callable[..., Any], responses: dict[int | str, Schema], *problems: int, **more: Any
    ) -> None:
        told = responses | problems_for(401, 403, 422, 503, *problems)
        app.add_api_route(
            path, endpoint, tags=["imports"], response_class=Response, responses=told, dependencies=permits(ACT), **more
        )

    add(
        "/v1/mappings", _keep_mapping(parts), {201: MAPPING_ANSWER}, 400, 408, 413,
        methods=["POST"], status_code=201, operation_id="mappings.keep", summary="Keep a mapping",
        description="In TOML, as the how-to of imports describes it. It is checked, and named by its content.",
        openapi_extra=body_as("text/plain"),
    )  # fmt: skip
    add(
        "/v1/mappings", _list_mappings(parts), {200: MAPPINGS_ANSWER},
        methods=["GET"], operation_id="mappings", summary="The formats that are known",
        description="Those that Relato brings.",
    )  # fmt: skip
    add(
        "/v1/imports", _receive(parts), {202: IMPORT_ANSWER}, 400, 404, 408, 409, 413,
        methods=["POST"], status_code=202, operation_id="imports.send", summary="Import a file",
        description="The body is the file. It is imported once it is here, one import at a time (503 meanwhile); twice"
        " changes nothing, and what was cut short goes on when the same file comes again.",
        openapi_extra=body_as("application/octet-stream"), max_body_size=LARGEST,
    )  # fmt: skip
    add(
        "/v1/imports", _list(parts), {200: IMPORTS_ANSWER},
        methods=["GET"], operation_id="imports", summary="Imports of the last day",
        description="With the one that runs, if one does.",
    )  # fmt: skip
    add(
        "/v1/imports/{import_id}", _read(parts), {200: IMPORT_ANSWER}, 404,
        methods=["GET"], operation_id="imports.read", summary="How far an import has come",
        description="And its report, once it has ended. As `text/event-stream` events `import`, until it ends.",
    )  # fmt: skip
    add(
        "/v1/imports/{import_id}/rejects", _read_rejects(parts), {200: REJECTS_ANSWER}, 404,
        methods=["GET"], operation_id="imports.rejects", summary="The rows that could not be taken",
        description="With the reason of each; mend them and send them by the same mapping. 404: there are none.",
    )  # fmt: skip
    add(
        "/v1/imports/{import_id}", _cancel(parts), {202: IMPORT_ANSWER}, 404,
        methods=["DELETE"], status_code=202, operation_id="imports.cancel", summary="Cancel an import",
        description="It ends after the rows at hand, or after 20 s; what is done stays. One that has ended goes, with"
        " its rejects.",
    )  # fmt: skip


def _keep_mapping(parts: Parts) -> Callable[..., Any]:
    async def keep(request: Request, caller: Caller) -> Response:
        limits, still = parts.limits, partial(require_still, parts, request.scope, caller)
        pieces = pieces_of(dict(request.scope["headers"]), request.receive, limits, limits.mapping_bytes, still)
        text = b"".join([piece async for piece in pieces])
        return in_json(await parts.workers.run(_check_and_keep, parts, text), 201).response()

    return keep


def _check_and_keep(parts: Parts, text: bytes) -> dict[str, Any]:
    try:
        mapping = parse_mapping(text.decode(), "mapping")
        check_commands(mapping, parts.executor.registry)
    except MappingError as error:
        raise MappingRefusedError(str(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise MappingRefusedError("the mapping is no TOML in UTF-8") from error
    name = hashlib.sha256(text).hexdigest()[:32]
    parts.imports.keep_mapping(name, text.decode())
    return {"mapping": name, "source": mapping.source, "title": mapping.title, "files": list(mapping.files)}


def _list_mappings(parts: Parts) -> Callable[..., Any]:
    async def list_() -> Response:
        known = await parts.workers.run(known_formats)
        return in_json({"mappings": [{"mapping": one.name, "title": one.title} for one in known]}).response()

    return list_


def _receive(parts: Parts) -> Callable[..., Any]:
    async def receive(
        request: Request, caller: Caller, mapping: Mapping, name: Name, *, dry_run: DryRun = False, again: Again = False
    ) -> Response:
        begin = partial(parts.imports.receive, mapping, name, caller.id, dry_run=dry_run, again=again)
        receiving = await parts.workers.run(begin)
        try:
            await _spool(parts, request, caller, receiving)
        except BaseException:
            receiving.abort()
            raise
        found = await parts.workers.run(parts.imports.read, receiving.one.id)
        return in_json(found, 202, {"Location": f"/v1/imports/{receiving.one.id}"}).response()

    return receive


async def _spool(parts: Parts, request: Request, caller: Principal, receiving: Receiving) -> None:
    limits, buffer = parts.limits, bytearray()
    still = partial(require_still, parts, request.scope, caller)
    async for piece in pieces_of(dict(request.scope["headers"]), request.receive, limits, limits.import_bytes, still):
        buffer += piece
        if len(buffer) >= BUFFER_BYTES:
            await parts.workers.run(receiving.write, bytes(buffer))
            buffer.clear()
    await parts.workers.run(receiving.write, bytes(buffer))
    await parts.workers.run(receiving.start)


def _list(parts: Parts) -> Callable[..., Any]:
    async def list_() -> Response:
        return in_json({"imports": await parts.workers.run(parts.imports.list_all)}).response()

    return list_


def _read(parts: Parts) -> Callable[..., Any]:
    async def read(request: Request, caller: Caller, import_id: Id, accept: Accept = None) -> Response:
        found = await parts.workers.run(parts.imports.read, import_id)
        if accept is None or EVENT_STREAM not in accept:
            return in_json(found).response()
        parts.streams.check_room()
        may_go_on = partial(is_still, parts, request.scope, caller)
        return EventStream(_Following(parts, import_id).messages(may_go_on), parts.streams, parts.limits.stalled_s)

    return read


class _Following:
    """One import, as it goes on for one reader."""

    def __init__(self, parts: Parts, import_id: UUID) -> None:
        self._parts, self._import_id = parts, import_id
        self._found: Any = None
        self._count = 0

    def messages(self, may_go_on: Callable[[], Awaitable[bool]]) -> AsyncGenerator[bytes, None]:
        return paced(self._next_chunk, lambda: self._count, self._parts.limits.heartbeat_s, may_go_on)

    async def _next_chunk(self, _: float) -> bytes:
        before = self._found
        if before and before["state"] not in UNDER_WAY:
            raise EndedError
        if before:
            await asyncio.sleep(GLANCE_S)
        self._found = await self._parts.workers.run(self._parts.imports.read, self._import_id)
        if self._found == before:
            return b""
        self._count += 1
        return message("import", self._found, self._count)


def _read_rejects(parts: Parts) -> Callable[..., Any]:
    async def read(request: Request, caller: Caller, import_id: Id, file: File = None) -> Response:
        path = await parts.workers.run(parts.imports.rejects, import_id, file)
        size = path.stat().st_size
        blocks = blocks_of(path, size)
        begin = await parts.workers.run(next, blocks, b"")
        headers = REJECTS_HEADERS | {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(path.name, safe='')}",
            "Content-Length": str(size),
        }
        may_go_on = partial(is_still, parts, request.scope, caller)
        return Sent(parts, blocks, may_go_on, begin=begin, status=200, headers=headers)

    return read


def _cancel(parts: Parts) -> Callable[..., Any]:
    async def cancel(import_id: Id) -> Response:
        return in_json(await parts.workers.run(parts.imports.cancel, import_id), 202).response()

    return cancel
