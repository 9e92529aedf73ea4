"""`/health/live` and `/health/ready`, for who watches over the process; open to all."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response

from adapters.http.answers import in_json
from adapters.http.parts import Parts
from adapters.http.sharing import Shared

UNAVAILABLE = 503
FRESH_S = 0.5  # anybody may ask, and each answer takes a new session


def add_health(app: FastAPI, parts: Parts) -> None:
    asked = Shared(lambda: parts.workers.run(parts.faults), FRESH_S)

    async def live() -> Response:
        """The process answers."""
        return in_json({"status": "live"}).response()

    async def ready() -> Response:
        """The ledger and the key database answer, or did half a second ago."""
        faults = await asked.get()
        status = UNAVAILABLE if faults else 200
        return in_json({"status": "not ready" if faults else "ready", "faults": faults}, status).response()

    for path, endpoint in (("/health/live", live), ("/health/ready", ready)):
        told: dict[int | str, dict[str, Any]] = {200: {"description": "It is."}}
        if endpoint is ready:
            told[UNAVAILABLE] = {"description": "Not yet."}
        app.add_api_route(path, endpoint, methods=["GET"], tags=["health"], responses=told, response_class=Response)
