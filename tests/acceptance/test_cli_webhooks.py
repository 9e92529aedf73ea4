"""Webhooks as their users have them: an endpoint is added, hears the feed, is tried, disabled, and shown."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.acceptance.program import Quick, Relato, made, one, served
from tests.receiving import Heard, Receiver, receiving, status

capability = pytest.mark.capability
PATIENCE_S = 60.0
TERMS = {"purpose": "to deliver", "shows": [{"type": "crm.order.placed.v1", "fields": ["number"]}], "scope": "all"}
LOOPBACK = {"RELATO_WEBHOOK_NETWORKS": '["127.0.0.0/8"]', "RELATO_WEBHOOK_PLAIN": "true"}
VERIFY = """
const secret = process.argv[2], messages = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const name of ["standardwebhooks", "svix"]) {
  const { Webhook } = require(name);
  for (const { body, headers } of messages) new Webhook(secret).verify(body, headers);
  try { new Webhook(secret).verify(messages[0].body + " ", messages[0].headers); process.exit(2); } catch (error) {}
}
console.log(`verified ${messages.length}`);
"""


@pytest.fixture(scope="module")
def relato() -> Iterator[Relato]:
    with made(Quick) as relato, served(relato):
        relato.environment.update(LOOPBACK)
        yield relato


@contextmanager
def running(relato: Relato, *parts: str) -> Iterator[None]:
    with ExitStack() as stack:
        for part in parts:
            log = stack.enter_context((relato.folder / f"{part}.log").open("w"))
            process = subprocess.Popen(
                relato.command("run", part), stdout=log, stderr=log, cwd=relato.folder, env=relato.environment
            )
            stack.callback(process.wait, 60)
            stack.callback(process.send_signal, signal.SIGINT)
        await_true(relato, lambda: "webhooks go on" in (relato.folder / "webhooks.log").read_text())
        yield


def await_true(relato: Relato, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, (relato.folder / "webhooks.log").read_text()
        time.sleep(0.05)


def agreed(relato: Relato, name: str) -> tuple[str, str]:
    """A partner and its agreement."""
    partner = relato.make("partner.register", name=name, kind="supplier")
    agreement = relato.make("agreement.draft", partner_id=partner, terms=TERMS)
    relato.do("agreement.activate", agreement_id=agreement)
    return partner, agreement


def order(relato: Relato, number: str) -> None:
    product = relato.make("product.register", name="Lamp")
    lines = [{"product_id": product, "quantity": 1, "amount_minor": 100}]
    relato.make("order.place", number=number, currency="EUR", lines=lines)


def added(relato: Relato, *arguments: object) -> tuple[str, str]:
    """The endpoint's id, and what verifies its messages."""
    said = relato("webhook", "add", *arguments)
    assert said.status == 0, said
    return said.err.split("endpoint ")[1].strip(), said.out.strip()


def await_heard(relato: Relato, receiver: Receiver, count: int) -> list[Heard]:
    await_true(relato, lambda: len(receiver.heard) >= count)
    return receiver.heard


def listed(relato: Relato, endpoint: str, *options: object) -> dict[str, Any]:
    rows = [json.loads(line) for line in relato.tell(*options, "webhook", "list", "--json").splitlines()]
    return one([row for row in rows if row["endpoint_id"] == endpoint])


@capability("C64")
def test_a_feed_is_delivered_to_an_endpoint_and_looked_after_by_hand(relato: Relato) -> None:
    partner, agreement = agreed(relato, "Luz")
    with receiving() as receiver, running(relato, "actors", "webhooks"):
        endpoint, secret = added(relato, agreement, receiver.url)
        assert relato.tell("webhook", "secret", endpoint).strip() == secret
        assert relato.tell("webhook", "ping", endpoint) == "taken: answered 204\n"
        order(relato, "A-1")
        order(relato, "A-2")
        ping, first, second = await_heard(relato, receiver, 3)
        for heard in (ping, first, second):
            Webhook(secret).verify(heard.body, heard.headers)
        assert [heard.event["data"] for heard in (first, second)] == [{"number": "A-1"}, {"number": "A-2"}]
        assert relato.tell("webhook", "resend", endpoint, 1) == "taken: all\n"
        assert relato.tell("webhook", "replay", endpoint, "--from", 1, "--through", 2) == "taken: all\n"
        assert receiver.numbers == [1, 2, 1, 1, 2]

        receiver.answer = status(410)
        said = relato("webhook", "ping", endpoint)
        assert (said.status, said.out) == (1, "not taken: answered 410\n")
        order(relato, "A-3")
        await_true(relato, lambda: listed(relato, endpoint)["state"] == "disabled")
        row = listed(relato, endpoint)
        assert (row["delivery"], row["behind"], row["reason"]) == ("disabled", 1, "answered 410: it wants no more")
        assert "disabled, 1 behind: answered 410" in relato.tell("status")
        receiver.answer = status(200)
        relato.tell("webhook", "enable", endpoint)
        await_heard(relato, receiver, 9)
        assert receiver.numbers[-2:] == [3, 3]

        new = relato.tell("webhook", "rotate", endpoint).strip()
        assert new != secret
        relato.tell("webhook", "ping", endpoint)  # what was ordered before it, the worker knows then
        order(relato, "A-4")
        newest = await_heard(relato, receiver, 11)[-1]
        for verifying in (secret, new):
            Webhook(verifying).verify(newest.body, newest.headers)

        log = [json.loads(line) for line in relato.tell("webhook", "log", endpoint, "--json").splitlines()]
        assert [(tried["kind"], tried["status"]) for tried in log[:2]] == [("entry", 200), ("ping", 200)]
        as_partner = ("--role", "partner", "--as", partner)
        assert listed(relato, endpoint, *as_partner)["taken"] == 4
        relato.tell("webhook", "remove", endpoint)
        assert endpoint not in relato.tell("webhook", "list")
        assert relato("webhook", "ping", endpoint).status == 1


def test_what_may_not_be_is_refused_in_a_line(relato: Relato) -> None:
    partner, agreement = agreed(relato, "Sol")
    other, _ = agreed(relato, "Mar")
    for url, why in (
        ("https://10.0.0.1/hooks", "no machine on the internet"),
        ("https://user:pass@partner.example/", "names a user"),
        ("ftp://partner.example/", "--url"),
        ("https://partner.example:22/", "port"),
    ):
        said = relato("webhook", "add", agreement, url)
        assert said.status != 0
        assert why in said.err
        assert said.err.count("\n") == 1
    nobodys = "0199b0c2-7d1e-7a3b-8c4d-5e6f7a8b9c0d"
    assert "Nothing is known under this id" in relato("webhook", "add", nobodys, "https://partner.example/").err
    assert relato("webhook", "ping", nobodys).status == 1
    endpoint, _ = added(relato, agreement, "https://partner.example/")
    assert relato("webhook", "replay", endpoint, "--from", 5, "--through", 4).status == 2
    for role in ("sales", "partner", "auditor"):
        for given in (("add", agreement, "https://partner.example/"), ("secret", endpoint), ("ping", endpoint)):
            assert relato("--role", role, "--as", partner, "webhook", *given).status == 1, (role, given)
    assert relato("--role", "partner", "--as", other, "webhook", "log", endpoint).status == 1
    assert endpoint not in relato.tell("--role", "partner", "--as", other, "webhook", "list")


@pytest.mark.skipif(not (shutil.which("npm") and shutil.which("node")), reason="needs Node.js and npm")
def test_the_javascript_libraries_of_receivers_verify_what_is_sent(relato: Relato, tmp_path: Path) -> None:
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent", "standardwebhooks", "svix"],
        cwd=tmp_path, check=False, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"npm could not install the libraries: {done.stderr[-200:]}")
    _, agreement = agreed(relato, "Céu")
    with receiving() as receiver, running(relato, "actors", "webhooks"):
        endpoint, secret = added(relato, agreement, receiver.url)
        relato.tell("webhook", "ping", endpoint)
        order(relato, "Nº 1")
        messages = [{"body": heard.body.decode(), "headers": heard.headers}
                    for heard in await_heard(relato, receiver, 2)]  # fmt: skip
    (tmp_path / "verify.js").write_text(VERIFY)
    checked = subprocess.run(
        ["node", "verify.js", secret], cwd=tmp_path, check=False, input=json.dumps(messages), capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert (checked.returncode, checked.stdout) == (0, "verified 2\n"), checked.stderr
