"""`/docs`: the API's document to look through and to try, from what is installed; no other host is asked."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS = "/docs/assets"
# the page starts itself by a script within it; Swagger UI styles what it shows, and draws in data: addresses
INLINE = "'self' 'unsafe-inline'"
ONLY_OURS = f"default-src 'self'; script-src {INLINE}; style-src {INLINE}; img-src 'self' data:"


def add_reference(app: FastAPI) -> None:
    async def reference(request: Request) -> HTMLResponse:
        below = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{below}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{below}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{below}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{below}{ASSETS}/favicon.png",
            swagger_ui_parameters={"validatorUrl": None},  # else the document is sent to a host that judges it
        )
        page.headers["Content-Security-Policy"] = ONLY_OURS
        return page

    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")))
    app.add_api_route("/docs", reference, methods=["GET"], include_in_schema=False)
