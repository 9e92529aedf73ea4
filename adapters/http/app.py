"""The application: commands and pages in front, all else through FastAPI's routes; one form for answers and errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.http.access_log import Accounted
from adapters.http.admission import Admission, Guesses, Rate
from adapters.http.answers import in_json
from adapters.http.attachments import add_attachments
from adapters.http.batch import Batch, Batches, add_batch
from adapters.http.commands import FILES, Commands
from adapters.http.customers import add_customers
from adapters.http.department_facts import add_department_facts
from adapters.http.errors import NoRouteError
from adapters.http.feed_documents import add_feed_documents
from adapters.http.feeds import Acknowledged, add_feeds
from adapters.http.health import add_health
from adapters.http.imports import add_imports
from adapters.http.inbound import add_inbound
from adapters.http.inbound_schemas import DATA_MODELS
from adapters.http.live_windows import add_live_windows
from adapters.http.metrics import add_metrics
from adapters.http.observing import Observed
from adapters.http.openapi import document
from adapters.http.opening import SealedValues, add_opening
from adapters.http.parts import Parts
from adapters.http.problems import (
    answer_http,
    answer_refusal,
    answer_unexpected,
    answer_validation,
    code_of,
    known_problems,
    status_of,
    title_of,
)
from adapters.http.quarantine import Mended, add_quarantine
from adapters.http.reference import ASSETS, add_reference
from adapters.http.schemas import problems_for
from adapters.http.search import add_search
from adapters.http.views import Views, add_views
from adapters.http.webhooks import Resent, add_webhooks
from domain.errors import RelatoError

GZIP_FROM_BYTES = 1_000
ROUTES = (
    *(add_customers, add_search, add_views, add_department_facts, add_opening, add_feeds, add_feed_documents),
    *(add_attachments, add_imports, add_webhooks),
    *(add_live_windows, add_inbound, add_quarantine, add_batch, add_health, add_metrics),
)
EXPOSED = [
    *("ETag", "Relato-Token", "Idempotency-Replayed", "Retry-After", "Link", "X-Request-ID", "Location"),
    "Content-Disposition",
]


class Api:
    """An ASGI application; `routes` is FastAPI's, with the document of it all."""

    def __init__(self, parts: Parts) -> None:
        self.routes, commands, views, batches = make_routes(parts), Commands(parts), Views(parts), Batches(parts)
        self._front: Sequence[tuple[Callable[[Scope], bool], ASGIApp]] = (
            (commands.concerns, commands),
            (views.concerns, Packed(views)),
            (batches.concerns, Packed(batches)),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_http = scope["type"] == "http"
        found = (app for concerns, app in self._front if is_http and concerns(scope))
        await next(found, self.routes)(scope, receive, send)


class Packed(GZipMiddleware):
    """What is large is packed; files are not: of some a part is asked for by its bytes, others anybody may ask for."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, minimum_size=GZIP_FROM_BYTES, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = f"/{FILES}/" in (path := scope.get("path", "")) or path.startswith(ASSETS)
        await (self.app(scope, receive, send) if is_file else super().__call__(scope, receive, send))


def make_app(parts: Parts) -> ASGIApp:
    per_s, failures = parts.limits.requests_per_s, parts.limits.failures_per_minute
    rate, guesses = Rate(per_s) if per_s else None, Guesses(failures) if failures else None
    parts = replace(parts, authenticate=Admission(parts.authenticate, rate, guesses))
    return Observed(_across_origins(Accounted(Api(parts), parts.access_log), parts), parts)


def _across_origins(api: ASGIApp, parts: Parts) -> ASGIApp:
    if not parts.cors_origins:
        return api
    return CORSMiddleware(
        api,
        allow_origins=list(parts.cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
    )


def make_routes(parts: Parts) -> FastAPI:
    app = FastAPI(title="Relato", max_body_size=parts.limits.body_bytes, openapi_url=None, redirect_slashes=False)
    app.state.parts, app.state.authenticate = parts, parts.authenticate
    app.add_middleware(Packed)
    app.add_exception_handler(RelatoError, answer_refusal)
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(Exception, answer_unexpected)
    for add in ROUTES:
        add(app, parts)
    add_problems(app)
    add_reference(app)
    add_heads(app)
    models: tuple[type[BaseModel], ...] = (Acknowledged, Batch, Mended, Resent, SealedValues, *DATA_MODELS)
    document_of = cache(lambda: document(app, parts.executor.registry, parts.version, models))
    app.openapi = document_of  # type: ignore[method-assign]  # FastAPI's documented way to have one's own
    return app


def add_problems(app: FastAPI) -> None:
    async def list_problems() -> Response:
        """Every error by its code, with its status and what it says."""
        return in_json([_told(error) for error in known_problems()]).response()

    async def read_problem(code: str) -> Response:
        """One error, as the `type` of a problem names it."""
        found = next((error for error in known_problems() if code_of(error) == code), None)
        if found is None:
            raise NoRouteError(code=code)
        return in_json(_told(found)).response()

    more: dict[str, Any] = {"methods": ["GET"], "tags": ["problems"], "response_class": Response}
    app.add_api_route("/problems", list_problems, **more)
    app.add_api_route("/problems/{code}", read_problem, responses=problems_for(404, 422), **more)


def add_heads(app: FastAPI) -> None:
    """What can be had with GET can be asked for its head alone; bodies that do not end know it themselves."""
    for route in list(app.routes):
        if isinstance(route, APIRoute) and route.methods == {"GET"}:
            app.add_api_route(
                route.path, route.endpoint, methods=["HEAD"], dependencies=route.dependencies, include_in_schema=False,
                response_class=Response,
            )  # fmt: skip


def _told(error: type[RelatoError]) -> dict[str, object]:
    return {"code": code_of(error), "status": status_of(error), "title": title_of(error)}
