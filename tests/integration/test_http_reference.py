"""`/docs` shows the document without asking any other host."""

from __future__ import annotations

import re

from tests.conftest import Databases
from tests.http_api import served


def test_the_page_and_all_that_it_needs_are_served_here(databases: Databases) -> None:
    with served(databases) as api:
        page = api.client.get("/docs")
        named = re.findall(r"""(?:src|href)="([^"]+)"|url: '([^']+)'""", page.text)
        paths = [first or second for first, second in named]
        found = {path: api.client.get(path) for path in paths}
    assert page.status_code == 200
    assert len(found) == 4
    assert all(answer.status_code == 200 and answer.content for answer in found.values())
    assert "//" not in "".join(paths)
    assert "http" not in re.sub(r"[\w-]+-http-[\w-]+", "", page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'self'")


def test_nothing_else_is_served_from_the_disk(databases: Databases) -> None:
    with served(databases) as api:
        for path in ("/docs/assets/", "/docs/assets/../__init__.py", "/docs/assets/%2e%2e/__init__.py"):
            assert api.client.get(path).status_code == 404
