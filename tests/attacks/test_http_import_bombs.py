"""Files made to hold the one import there is at a time: they are refused, or can be ended."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.importers import background
from adapters.importers.csv_file import MOST_BLANK
from domain.access.facts import Role
from tests.conftest import Databases
from tests.http_api import HttpApi, QuickLimits, served

MIB = 1 << 20
PATIENCE_S = 60.0
MAPPING = """
language = 1
source = "shop"
title = "The shop's customers"

[files.customers]
identity = [{ column = "number" }]

[[rules]]
name = "customer"
command = "customer.register"

[rules.fields]
customer_id = { id = "shop-customer", of = [{ column = "number" }] }
name = { column = "name" }
"""
HEADER = b"number,name\n"


class Large(QuickLimits):
    import_bytes = 100 * MIB
    body_s = 20.0


class Importing:
    """The API as an administrator who imports has it."""

    def __init__(self, api: HttpApi) -> None:
        self._api, self._headers = api, {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
        self._mapping = self._post("mappings", MAPPING.encode()).json()["mapping"]

    def _post(self, path: str, content: bytes, **query: str) -> Any:
        return self._api.client.post(f"/v1/{path}", content=content, params=query, headers=self._headers)

    def send(self, content: bytes) -> str:
        answer = self._post("imports", gzip.compress(HEADER, 1) + content, mapping=self._mapping, name="a.csv.gz")
        assert answer.status_code == 202, answer.text
        return str(answer.json()["import_id"])

    def cancel(self, import_id: str) -> None:
        self._api.client.delete(f"/v1/imports/{import_id}", headers=self._headers)

    def wait(self, import_id: str, until: Callable[[dict[str, Any]], object] = lambda told: told["ended_at"]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not until(told := self._api.ask(f"/v1/imports/{import_id}").json()):
            assert time.monotonic() < deadline, told
            time.sleep(0.05)
        return told


@pytest.fixture
def imports(databases: Databases, tmp_path: Path) -> Iterator[Importing]:
    with served(databases, home=tmp_path, limits=Large()) as api:
        yield Importing(api)


def packed(times: int, part: bytes) -> bytes:
    """As much of it, in parts that are packed once."""
    return gzip.compress(part, 1) * times


@pytest.mark.parametrize("part", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_a_file_of_empty_lines_is_not_read_to_its_end(imports: Importing, part: bytes) -> None:
    told = imports.wait(imports.send(packed(4, b"1,Ana\n") + packed(16, part * (4 * MIB // len(part)))))
    assert (told["state"], told["problem"]["code"]) == ("failed", "import-stopped")
    assert "only empty lines" in told["problem"]["detail"]


def test_a_row_now_and_then_makes_empty_lines_no_longer(imports: Importing) -> None:
    thin = b"\n" * (MOST_BLANK // 2) + b"1,Ana\n"
    assert imports.wait(imports.send(packed(200, thin)))["state"] == "failed"


def test_a_file_in_which_each_line_is_followed_by_an_empty_one_is_imported(imports: Importing) -> None:
    rows = b"".join(b"%d,Ana\n\n" % n for n in range(100))
    told = imports.wait(imports.send(gzip.compress(rows + b"\n" * (MOST_BLANK - 1), 1)))
    assert (told["state"], told["report"]["total"]["done"]) == ("done", 100)


def test_an_import_that_comes_to_no_row_is_ended_once_it_is_cancelled(
    imports: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "ENDING_S", 1.0)
    import_id = imports.send(packed(2_000, b"a" * 4 * MIB))
    imports.wait(import_id, lambda told: told["state"] == "running")
    imports.cancel(import_id)
    began = time.monotonic()
    assert imports.wait(import_id)["state"] == "cancelled"
    assert time.monotonic() - began < 10
    assert imports.wait(imports.send(gzip.compress(b"1,Ana\n")))["state"] == "done"
