"""`/docs`: the API's document to look through and to try, from what is installed; no other host is asked.

Anybody may ask for it, so the document is written and packed once.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from pydantic_core import to_json
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from adapters.http.answers import JSON

DOCUMENT, ASSETS = "/openapi.json", "/docs/assets"
# the page starts itself by a script within it; Swagger UI styles what it shows, and draws in data: addresses
INLINE = "'self' 'unsafe-inline'"
ONLY_OURS = f"default-src 'self'; script-src {INLINE}; style-src {INLINE}; img-src 'self' data:"


def add_reference(app: FastAPI) -> None:
    written = cache(lambda: to_json(app.openapi()))
    packed = cache(lambda: gzip.compress(written()))

    async def read_document(request: Request) -> Response:
        headers = {"Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(written(), headers=headers, media_type=JSON)
        return Response(packed(), headers={**headers, "Content-Encoding": "gzip"}, media_type=JSON)

    async def reference(request: Request) -> HTMLResponse:
        below = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{below}{DOCUMENT}",
            title=app.title,
            swagger_js_url=f"{below}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{below}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{below}{ASSETS}/favicon.png",
            swagger_ui_parameters={"validatorUrl": None},  # else the document is sent to a host that judges it
        )
        page.headers["Content-Security-Policy"] = ONLY_OURS
        return page

    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")))
    app.add_api_route(DOCUMENT, read_document, methods=["GET"], include_in_schema=False)
    app.add_api_route("/docs", reference, methods=["GET"], include_in_schema=False)
