"""Files are imported over HTTP, beside everything else: sent, watched, cancelled, and sent again after a crash."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from domain.access.facts import Role
from domain.customer.facts import CustomerRegistered
from tests.conftest import Databases
from tests.http_api import HttpApi, QuickLimits, served

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
stage = { column = "stage" }
"""
EXPANDED = 30_000_000


class ImportLimits(QuickLimits):
    import_bytes = 5_000_000
    slowest_bytes_per_s = 1_000_000


def rows(count: int, stage: str = "customer") -> bytes:
    return b"number,name,stage\n" + b"".join(b"%d,Ana %d,%s\n" % (n, n, stage.encode()) for n in range(count))


class Importing:
    """The API as an administrator who imports has it."""

    def __init__(self, api: HttpApi, folder: Path) -> None:
        self.api, self.folder = api, folder
        self.headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
        self.mapping = str(self.post("mappings", MAPPING.encode()).json()["mapping"])

    def post(self, path: str, content: Any, **query: Any) -> httpx.Response:
        return self.api.client.post(f"/v1/{path}", content=content, params=query, headers=self.headers)

    def send(self, content: Any, name: str = "customers.csv", **query: Any) -> httpx.Response:
        return self.post("imports", content, **({"mapping": self.mapping, "name": name} | query))

    def read(self, import_id: str) -> dict[str, Any]:
        told: dict[str, Any] = self.api.client.get(f"/v1/imports/{import_id}", headers=self.headers).json()
        return told

    def wait(self, import_id: str, until: Callable[[dict[str, Any]], bool] | None = None) -> dict[str, Any]:
        """Until it has ended, or something else holds of it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            told = self.read(import_id)
            if (until or has_ended)(told):
                return told
            time.sleep(0.05)
        raise AssertionError(told)

    def run(self, content: Any, name: str = "customers.csv", **query: Any) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while (answer := self.send(content, name, **query)).status_code == 503:  # as it is told to
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert answer.status_code == 202, answer.text
        return self.wait(answer.json()["import_id"])

    def kept(self) -> list[str]:
        """The files that lie in the spool, without statuses and mappings."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.name for path in found if path.suffix not in {".json", ".toml"})


def has_ended(told: dict[str, Any]) -> bool:
    return told["state"] not in {"receiving", "running", "cancelling"}


@pytest.fixture
def imports(databases: Databases, tmp_path: Path) -> Iterator[Importing]:
    settings = {"import_expanded_bytes": EXPANDED}
    with served(databases, home=tmp_path, settings=settings, limits=ImportLimits()) as api:
        yield Importing(api, tmp_path)


def count_customers(api: HttpApi) -> int:
    return [event.type for event in api.backend.ledger.read(0, 100_000)].count(CustomerRegistered.TYPE)


def test_a_file_is_imported_and_its_report_tells_what_was_done(imports: Importing) -> None:
    answer = imports.send(rows(3))
    assert answer.status_code == 202
    import_id = answer.json()["import_id"]
    assert answer.headers["location"] == f"/v1/imports/{import_id}"
    told = imports.wait(import_id)
    assert (told["state"], told["report"]["rows"], told["report"]["total"]["done"]) == ("done", 3, 3)
    assert told["progress"]["accepted"] == 3
    assert count_customers(imports.api) == 3
    assert imports.kept() == []
    listed = imports.api.client.get("/v1/imports", headers=imports.headers).json()["imports"]
    assert [one["import_id"] for one in listed] == [import_id]


def test_the_same_file_again_changes_nothing(imports: Importing) -> None:
    imports.run(rows(3))
    again = imports.run(rows(3))
    assert [file["nothing_to_do"] for file in again["report"]["files"]] == [True]
    assert count_customers(imports.api) == 3


def test_a_dry_run_says_what_would_be_done_and_does_nothing(imports: Importing) -> None:
    told = imports.run(rows(3), dry_run=True)
    assert (told["dry_run"], told["report"]["total"]["done"]) == (True, 3)
    assert count_customers(imports.api) == 0


def test_rejected_rows_can_be_had_mended_and_sent_again(imports: Importing) -> None:
    told = imports.run(rows(2) + b"7,Rui,enemy\n")
    assert (told["report"]["total"]["done"], told["report"]["total"]["rejected"]) == (2, 1)
    assert told["progress"]["rejected"] == 1
    path = f"/v1/imports/{told['import_id']}/rejects"
    answer = imports.api.client.get(path, headers=imports.headers)
    assert answer.headers["content-type"].startswith("text/csv")
    assert b"Rui" in answer.content
    (kept,) = imports.folder.rglob("rejects.csv")
    assert kept.stat().st_mode & 0o077 == 0
    mended = imports.run(answer.content.replace(b"enemy", b"customer"), "rejects.csv")
    assert mended["report"]["total"]["done"] == 1
    assert imports.api.client.delete(f"/v1/imports/{told['import_id']}", headers=imports.headers).status_code == 202
    assert imports.api.client.get(path, headers=imports.headers).status_code == 404
    assert imports.kept() == []


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_a_packed_file_is_imported_as_it_is(imports: Importing, pack: str) -> None:
    assert imports.run(packed(rows(5), pack), f"customers.csv.{pack}")["report"]["total"]["done"] == 5


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_a_small_file_that_unpacks_to_a_flood_is_cut_off(imports: Importing, pack: str) -> None:
    bomb = packed(b"number,name,stage\n" + bytes(10 * EXPANDED), pack)
    assert len(bomb) < EXPANDED / 50
    told = imports.run(bomb, f"customers.csv.{pack}")
    assert (told["state"], told["report"]) == ("failed", None)
    assert "unpacks to more" in told["problem"]["detail"]
    assert str(imports.folder) not in json.dumps(told)
    assert imports.kept() == []


def packed(content: bytes, pack: str) -> bytes:
    if pack == "gz":
        return gzip.compress(content)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("customers.csv", content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "detail"),
    [
        (b"\x1f\x8b broken", "customers.csv.gz", "truncated or damaged"),
        (b"", "customers.csv", "empty"),
        (b"a,b\n1,2\n", "customers.csv", "lacks columns"),
        (rows(2).decode().encode("utf-16"), "customers.csv", "not in utf-8-sig, perhaps UTF-16"),
        ("número,name,stage\n".encode("latin-1"), "customers.csv", "not in utf-8-sig"),
    ],
)
def test_a_file_that_is_none_fails_with_its_reason(imports: Importing, content: bytes, name: str, detail: str) -> None:
    told = imports.run(content, name)
    assert told["state"] == "failed"
    assert detail in told["problem"]["detail"]
    assert imports.kept() == []
    assert len(imports.api.client.get("/v1/imports", headers=imports.headers).json()["imports"]) == 1
    assert imports.api.client.delete(f"/v1/imports/{told['import_id']}", headers=imports.headers).status_code == 202


def test_a_zip_within_a_zip_fails_with_its_reason_and_no_bytes_of_it(imports: Importing) -> None:
    told = imports.run(packed(packed(os.urandom(2_000), "zip"), "zip"), "customers.csv.zip")
    assert told["state"] == "failed"
    assert "not in utf-8-sig" in told["problem"]["detail"]


def test_a_status_that_holds_bytes_of_a_file_is_read_without_them(imports: Importing) -> None:
    told = imports.run(b"")
    (status,) = imports.folder.rglob(f"{told['import_id']}/status.json")
    status.write_text(json.dumps(told | {"problem": {"code": "import-stopped", "detail": "there \udcff\udcfe"}}))
    assert imports.read(told["import_id"])["problem"]["detail"] == "there ??"


def test_one_import_at_a_time_the_other_is_told_to_come_back(imports: Importing) -> None:
    first = imports.send(rows(20_000)).json()["import_id"]
    refused = imports.send(rows(1))
    assert (refused.status_code, refused.json()["code"]) == (503, "import-busy")
    assert int(refused.headers["retry-after"]) >= 1
    assert imports.api.give("customer/new/register", {"name": "Rui"}).status_code == 201
    imports.api.client.delete(f"/v1/imports/{first}", headers=imports.headers)
    told = imports.wait(first)
    assert told["state"] == "cancelled"
    assert imports.kept() == []
    assert imports.run(rows(1))["state"] == "done"


def test_what_was_cut_short_goes_on_when_the_same_file_comes_again(imports: Importing) -> None:
    content = rows(8_000)
    first = imports.send(content).json()["import_id"]
    imports.wait(first, lambda told: (told["progress"] or {}).get("accepted", 0) > 0 or has_ended(told))
    imports.api.client.delete(f"/v1/imports/{first}", headers=imports.headers)
    told = imports.wait(first)
    assert told["state"] in {"cancelled", "done"}
    imports.run(content)
    assert count_customers(imports.api) == 8_000


def test_an_import_is_followed_as_it_goes_on_until_it_ends(imports: Importing) -> None:
    import_id = imports.send(rows(5_000)).json()["import_id"]
    headers = imports.headers | {"Accept": "text/event-stream"}
    with imports.api.client.stream("GET", f"/v1/imports/{import_id}", headers=headers) as stream:
        told = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")]
    assert told[-1]["state"] == "done"
    assert {one["import_id"] for one in told} == {import_id}


@pytest.mark.parametrize("is_told", [True, False])
def test_an_upload_that_is_too_large_is_refused_and_leaves_nothing(imports: Importing, is_told: bool) -> None:
    content = bytes(ImportLimits.import_bytes + 1)
    answer = imports.send(content if is_told else iter([content]))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert imports.kept() == []


def test_who_stalls_or_breaks_off_leaves_nothing_and_bars_nobody(imports: Importing) -> None:
    url = urlsplit(imports.api.url)
    assert url.hostname
    assert url.port
    head = (
        f"POST /v1/imports?mapping={imports.mapping}&name=a.csv HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {imports.headers['Authorization']}\r\nContent-Length: 100000\r\n\r\n"
    ).encode()
    with closing(socket.create_connection((url.hostname, url.port), timeout=10)) as caller:
        caller.sendall(head + rows(10))
        assert caller.recv(1_000).startswith(b"HTTP/1.1 408")
    with closing(socket.create_connection((url.hostname, url.port), timeout=10)) as caller:
        caller.sendall(head + rows(10))
        caller.shutdown(socket.SHUT_WR)
        caller.recv(1_000)
    assert imports.kept() == []
    assert imports.run(rows(1))["state"] == "done"


@pytest.mark.parametrize("name", ["../../x.csv", "/etc/passwd", ".hidden", "a\0b", "", "x" * 300, "é" * 150])
def test_a_name_that_leads_elsewhere_is_none(imports: Importing, name: str) -> None:
    assert imports.send(rows(1), name).status_code == 422
    assert imports.kept() == []


def test_a_mapping_is_checked_before_it_is_kept(imports: Importing) -> None:
    for wrong in (
        b"\xff",
        b"language = 1",
        MAPPING.replace("customer.register", "customer.delete").encode(),
        MAPPING.replace("\n[files", '\ntime_zone = "Europe/Rom"\n\n[files').encode(),
        MAPPING.replace("\n[[rules", '\n[files.customers.csv]\nencoding = "zip"\n\n[[rules').encode(),
        b"a=" + b"[" * 9_000,
    ):
        answer = imports.post("mappings", wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "mapping-refused")
    assert imports.post("mappings", b"#" * 300_000).status_code == 413
    for unknown in ("nonsense", "0" * 32, "../../x"):
        assert imports.send(rows(1), mapping=unknown).status_code == 404
    names = imports.api.client.get("/v1/mappings", headers=imports.headers).json()["mappings"]
    assert "cdnow" in {one["mapping"] for one in names}


def test_only_who_runs_the_installation_imports(imports: Importing) -> None:
    for role in (Role.SALES, Role.MANAGEMENT, Role.AUDITOR):
        headers = {"Authorization": f"Bearer {imports.api.key(role).text}"}
        query = {"mapping": imports.mapping, "name": "a.csv"}
        assert imports.api.client.post("/v1/imports", content=rows(1), params=query, headers=headers).status_code == 403
        assert imports.api.client.post("/v1/mappings", content=MAPPING, headers=headers).status_code == 403
