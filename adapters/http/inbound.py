"""`POST /v1/feeds/<agreement>/inbound`: a partner sends events, one or many, each with a verdict of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from fastapi import FastAPI, Query, Request, Response

from adapters.http.answers import Answer, in_json
from adapters.http.bodies import read_body
from adapters.http.errors import EventKindError, MalformedError
from adapters.http.feed_reading import require_agreement
from adapters.http.feeds import Agreed
from adapters.http.file_schemas import LARGEST as UNBOUNDED
from adapters.http.inbound_schemas import EVENTS_BODY, HELD_ANSWER, MANY, MOST, ONE, SENDING, VERDICT, VERDICTS
from adapters.http.parts import Parts
from adapters.http.permission import permits
from adapters.http.principal import Caller, Principal
from adapters.http.problems import MEDIA_TYPE, problem_of
from adapters.http.schemas import answer, problems_for
from domain.errors import RelatoError, UnknownError
from projections.disclosure import IN_FEEDS
from streams.inbound.cloud import read_json
from streams.inbound.errors import QuarantineFullError
from streams.inbound.intake import Arrival, Kind, Verdict
from streams.inbound.quarantine import State
from streams.inbound.telling import tell_to_partner

PAGE, LARGEST_PAGE = 100, 1_000
LARGEST = 2**63 - 1
After = Annotated[int, Query(ge=0, le=LARGEST, description="The last `seq` you have; 0 begins at the first.")]
PageLimit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="So many at most.")]
StateName = Literal["held", "accepted", "discarded"]
InState = Annotated[StateName | None, Query(description="Only those that are held, accepted or discarded.")]
Source = Annotated[str, Query(max_length=1_000, description="The event's.")]
Id = Annotated[str, Query(alias="id", max_length=200, description="The event's.")]


class Came(NamedTuple):
    """What a request brought; `alone` is answered as itself."""

    contents: Sequence[Any]
    alone: bool


def add_inbound(app: FastAPI, parts: Parts) -> None:
    async def send(request: Request, caller: Caller, agreement_id: Agreed) -> Response:
        await parts.workers.run(_require_theirs, parts, caller, agreement_id)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (ONE, MANY):
            raise EventKindError(content_type=kind)
        came = await read_body(parts, request.scope, request.receive, partial(_parse, kind))
        verdicts = await parts.workers.run(_take_all, parts, caller, agreement_id, came.contents)
        return (_alone(verdicts[0]) if came.alone else in_json({"verdicts": verdicts})).response()

    async def read(
        caller: Caller, agreement_id: Agreed, *, after: After = 0, limit: PageLimit = PAGE, state: InState = None
    ) -> Response:
        await require_agreement(parts, caller, agreement_id)
        opening, quarantine = parts.disclosure(caller, IN_FEEDS).open_within, parts.intake.quarantine

        def find() -> Mapping[str, Any]:
            held = quarantine.read(agreement_id, state and State(state), after=after, limit=limit)
            return {"refused": tell_to_partner(held, opening), "next": held[-1].seq if held else after}

        return in_json(await parts.workers.run(find)).response()

    async def ask(caller: Caller, agreement_id: Agreed, source: Source, id_: Id) -> Response:
        await require_agreement(parts, caller, agreement_id)
        return in_json(await parts.workers.run(_ask, parts, agreement_id, source, id_)).response()

    path = "/v1/feeds/{agreement_id}/inbound"
    more: dict[str, Any] = {"tags": ["partners"], "response_class": Response}
    app.add_api_route(
        path,
        send,
        methods=["POST"],
        operation_id="inbound.send",
        summary="Send events to us",
        description=SENDING,
        dependencies=permits("sends"),
        responses={200: answer("Of one that is repeated, its verdict; of many, `verdicts`.", VERDICTS),
                   201: answer("It was taken.", VERDICT),
                   **problems_for(400, 401, 403, 404, 409, 410, 413, 415, 422, 503, 504)},
        openapi_extra=EVENTS_BODY,
        max_body_size=UNBOUNDED,
        **more,
    )  # fmt: skip
    app.add_api_route(
        path,
        read,
        methods=["GET"],
        operation_id="inbound.refused",
        summary="Refused events",
        description="Those that were refused, by whichever way they came, with what became of them; kept 30 days unless"
        " the installation says otherwise.",
        dependencies=permits("feeds"),
        responses={200: HELD_ANSWER, **problems_for(401, 403, 404, 422, 503)},
        **more,
    )
    app.add_api_route(
        f"{path}/verdict",
        ask,
        methods=["GET"],
        operation_id="inbound.verdict",
        summary="What became of one event",
        description="By its source and id: `accepted` with the token; 404 for one that was not taken.",
        dependencies=permits("feeds"),
        responses={200: answer("The verdict.", VERDICT), **problems_for(401, 403, 404, 422, 503)},
        **more,
    )


def _parse(kind: str, body: bytes) -> Came:
    """Raises MalformedError."""
    try:
        found = read_json(body)
    except ValueError as error:
        raise MalformedError("the body is no JSON in UTF-8", reason=str(error)) from error
    if kind == ONE:
        return Came([found], alone=True)
    if not isinstance(found, list) or not 0 < len(found) <= MOST:
        raise MalformedError(f"a batch is a JSON list of 1 to {MOST} events")
    return Came(found, alone=False)


def _require_theirs(parts: Parts, caller: Principal, agreement_id: UUID) -> None:
    """Raises UnknownError, of another partner's too: nobody sends for it."""
    if str(parts.intake.agreement(agreement_id).partner_id) != caller.id:
        raise UnknownError(agreement=agreement_id)


def _take_all(parts: Parts, caller: Principal, agreement_id: UUID, contents: Sequence[Any]) -> Sequence[Any]:
    """Blocks. One after the other, for later ones may rely on earlier ones."""
    return [_take(parts, Arrival(agreement_id, UUID(caller.id), caller.id, one, parts.intake.clock()))
            for one in contents]  # fmt: skip


def _take(parts: Parts, arrival: Arrival) -> Mapping[str, Any]:
    try:
        return told(arrival.content, parts.intake.take(arrival))
    except QuarantineFullError as error:
        return _refused(arrival.content, error, None)


def told(content: Any, verdict: Verdict) -> Mapping[str, Any]:
    if verdict.error is not None:
        return _refused(content, verdict.error, verdict.held_id)
    status = 201 if verdict.kind is Kind.ACCEPTED else 200
    return {**_named(content), "verdict": verdict.kind.value, "status": status, "token": verdict.token}


def _refused(content: Any, error: RelatoError, held_id: UUID | None) -> Mapping[str, Any]:
    return {**_named(content), "verdict": Kind.REFUSED.value, "held": held_id, **problem_of(error).members}


def _named(content: Any) -> Mapping[str, Any]:
    """What is no text names nothing, and may be long."""
    given = content if isinstance(content, Mapping) else {}
    return {name: part if isinstance(part := given.get(name), str) else None for name in ("id", "source")}


def _alone(verdict: Mapping[str, Any]) -> Answer:
    made = in_json(verdict, verdict["status"], {"relato-token": verdict["token"]} if verdict.get("token") else {})
    return made._replace(media_type=MEDIA_TYPE) if verdict["verdict"] == Kind.REFUSED.value else made


def _ask(parts: Parts, agreement_id: UUID, source: str, id_: str) -> Mapping[str, Any]:
    """Raises UnknownError."""
    partner_id = parts.intake.agreement(agreement_id).partner_id
    assert partner_id is not None
    if (taken := parts.intake.quarantine.taken(parts.intake.name(partner_id, source, id_))) is None:
        raise UnknownError("no such event was taken", source=source, id=id_)
    return {"id": id_, "source": source, "verdict": Kind.ACCEPTED.value, "status": 200, "token": taken.token}
