"""The API through the program itself: a key is issued, a command given, a read model read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from tests.acceptance.program import Relato

AGE = "relato_checkpoint_age_seconds"


def address_of(relato: Relato) -> str:
    """The server says where it listens; the port is any that was free."""
    log, deadline = relato.home / "logs" / "api.log", time.monotonic() + 60
    while time.monotonic() < deadline:
        told = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        if urls := [line["url"] for line in told if line.get("event") == "listening"]:
            return str(urls[-1])
        time.sleep(0.1)
    raise AssertionError("the API does not listen")


@contextmanager
def caller_of(url: str, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as caller:
        yield caller


def test_a_key_is_issued_used_rotated_and_revoked(quick: Relato) -> None:
    with quick.up():
        url = address_of(quick)
        key = quick.tell("key", "issue", "--role", "sales", "--role", "marketing").strip()
        with caller_of(url, key) as caller:
            body, once = {"name": "Ana Lima"}, {"Idempotency-Key": "one"}
            wrote = caller.post("/v1/customer/new/register", json=body, headers=once)
            assert wrote.status_code == 201, wrote.text
            after = {"Relato-Token": wrote.headers["relato-token"]}
            read = caller.get("/v1/marketing/customers", params={"filter": "name~ana"}, headers=after)
            assert [row["name"] for row in read.json()["rows"]] == ["Ana Lima"]
            found = caller.get("/v1/search", params={"q": "anna lima"}, headers=after)
            assert [row["customer_name"] for row in found.json()["rows"]] == ["Ana Lima"]
            assert caller.get("/v1/audit/timeline").status_code == 403
            newer = quick.tell("key", "rotate", key, "--overlap-hours", "0").strip()
            time.sleep(1.5)
            assert caller.get("/v1/sales/pipeline").status_code == 401
        with caller_of(url, newer) as caller:
            assert caller.get("/v1/sales/pipeline").status_code == 200
            quick.tell("key", "revoke", newer)
            time.sleep(1.5)
            assert caller.get("/v1/sales/pipeline").status_code == 401


def test_who_operates_reads_how_every_part_fares_and_the_log_names_no_one(quick: Relato) -> None:
    with quick.up():
        key = quick.tell("key", "issue", "--role", "administrator").strip()
        with caller_of(address_of(quick), key) as caller:
            wrote = caller.post(
                "/v1/customer/new/register", json={"name": "Ana Lima"}, headers={"X-Request-ID": "web 1"}
            )
            deadline = time.monotonic() + 30  # the first checkpoint is signed when the actors have begun
            while AGE not in (metrics := caller.get("/metrics").text) and time.monotonic() < deadline:
                time.sleep(0.2)
    lines = (quick.home / "logs" / "api.log").read_text()
    for wanted in (
        'relato_workers{service="sales"}',
        "relato_appended_facts_total 1.0",
        AGE,
    ):
        assert wanted in metrics
    told = [json.loads(line) for line in lines.splitlines() if '"event":"request"' in line]
    assert wrote.headers["x-request-id"] in [line["correlation_id"] for line in told]
    assert "Ana" not in lines


def test_what_happens_is_followed_and_the_stream_ends_with_the_server(quick: Relato) -> None:
    with ExitStack() as stack:
        up = stack.enter_context(ExitStack())
        up.enter_context(quick.up())
        key = quick.tell("key", "issue", "--role", "sales").strip()
        caller = stack.enter_context(caller_of(address_of(quick), key))
        stream = stack.enter_context(caller.stream("GET", "/v1/sales/facts", params={"from": 1}))
        lines = stream.iter_lines()
        quick.do("customer.register", name="Ana Lima")
        assert any('"name":"Ana Lima"' in line for line in lines) is True
        up.close()
        assert any("the server ends" in line for line in lines) is True


def test_only_who_operates_issues_keys(quick: Relato) -> None:
    said = quick("--role", "sales", "key", "issue", "--role", "administrator")
    assert said.status == 1
    assert said.out == ""
    assert quick("--role", "sales", "do", "access.admit").status == 1
    assert quick("key", "issue").status == 2
    assert quick("key", "revoke", "rel_x").status == 2
