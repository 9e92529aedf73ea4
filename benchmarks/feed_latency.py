"""From a feed's entry to who reads it: a pull that waits, a stream, a webhook; while other partners' endpoints fail."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import Any
from uuid import UUID

import httpx

from adapters.access.api_key import new_key
from adapters.ids import uuid7
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, beside, free_port, hear, main, say
from domain.catalogue import REGISTRY
from domain.execute import Context

RATE = 200
SECONDS = 20
PATIENCE_S = 60.0
WAYS = {"pull": "a pull that waits", "stream": "a stream (SSE)", "webhook": "a webhook"}
TERMS = {"purpose": "bench", "scope": "all",
         "shows": [{"type": "crm.order.placed.v1", "fields": ["number", "kind", "lines.quantity"]}]}  # fmt: skip
WHAT = "entry made → seen by {}, at 200 entries/s: {}"
HOW = (
    "200 orders a second at fixed times; the workers are the processes of `relato up`. One partner reads its feed in"
    " three ways at once; of two others, with the same feed, one has an endpoint that never answers, one that answers"
    " 500. The clock runs from when the entry is seen in the database, told by the actor's notification, until the"
    " reader has parsed the event."
)


def measure(scratch: Scratch) -> Measured:
    os.environ |= {"RELATO_WEBHOOK_NETWORKS": '["127.0.0.0/8"]', "RELATO_WEBHOOK_PLAIN": "true"}
    port = free_port()
    os.environ["RELATO_PORT"] = str(port)
    with Scratch(quick=scratch.quick) as own:  # whose settings are these
        return _measure(own, port)


def _measure(scratch: Scratch, port: int) -> Measured:
    _ = scratch.installation.executor
    for part in ("actors", "webhooks", "api"):
        scratch.start(part, part)
    _await_api(port)
    rounds = [_run(scratch, port) for _ in range(scratch.count(3, 1) + scratch.count(1, 0))][scratch.count(1, 0) :]
    figures: list[Figure] = []
    for way, name in WAYS.items():
        cuts = [quantiles(found[way], n=100) for found in rounds]
        for tell, at, most in (("median", 49, 50), ("p99", 98, 300)):
            values, what = [round(cut[at], 2) for cut in cuts], WHAT.format(name, tell)
            figures.append(Figure(what=what, against="—", unit="ms", target=most, is_most=True, values=values, how=HOW))
    return figures


def _run(scratch: Scratch, port: int) -> Mapping[str, list[float]]:
    """How long each entry was waited for on each way, in milliseconds."""
    last = RATE * scratch.count(SECONDS, 3)
    with beside("feed_readers", "receiver") as receiver, beside("feed_readers") as readers:
        there = f"http://127.0.0.1:{hear(receiver)}"
        feeds = [_agree(scratch, f"{there}/{path}") for path in ("good", "hang", "fail")]
        asked = {"dsn": scratch.dsn, "feed": str(feeds[0][1]), "key": _key(scratch, feeds[0][0]), "last": last,
                 "url": f"http://127.0.0.1:{port}/v1/feeds/{feeds[0][1]}"}  # fmt: skip
        say(readers, asked)
        hear(readers)
        time.sleep(3)  # the worker knows its endpoints, the readers wait
        _place(scratch, last)
        seen = hear(readers)
        _await_taken(scratch, feeds[0][2], last)
        assert receiver.stdin
        receiver.stdin.close()
        seen |= hear(receiver)
    for _, feed, endpoint_id in feeds:
        _order(scratch, "endpoint.remove", endpoint_id=endpoint_id)
        _order(scratch, "agreement.revoke", agreement_id=feed)
    waited = {way: [1000 * (seen[way][number] - made) for number, made in seen["made"].items()] for way in WAYS}
    told = ", ".join(f"{way} {quantiles(found, n=100)[49]:.1f}/{quantiles(found, n=100)[98]:.1f}"
                     for way, found in waited.items())  # fmt: skip
    print(f"  median/p99 in ms: {told}", flush=True)
    return waited


def _await_taken(scratch: Scratch, endpoint_id: UUID, last: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while getattr(scratch.installation.webhooks.standings([endpoint_id]).get(endpoint_id), "taken", 0) < last:
        if time.monotonic() > deadline:
            raise RuntimeError("the webhook did not take all of it")
        time.sleep(0.2)


def _place(scratch: Scratch, count: int) -> None:
    lines = [{"product_id": uuid7(), "quantity": 1, "amount_minor": 100}]
    start = time.perf_counter()
    with ThreadPoolExecutor(16) as callers:
        for n in range(count):
            time.sleep(max(0.0, start + n / RATE - time.perf_counter()))
            given: dict[str, Any] = {"order_id": uuid7(), "number": str(n), "currency": "EUR", "lines": lines}
            callers.submit(_order, scratch, "order.place", **given)


def _agree(scratch: Scratch, url: str) -> tuple[UUID, UUID, UUID]:
    """A partner, its agreement, its endpoint."""
    partner_id, feed, endpoint_id = uuid7(), uuid7(), uuid7()
    _order(scratch, "partner.register", partner_id=partner_id, name="Bench", kind="supplier")
    _order(scratch, "agreement.draft", agreement_id=feed, partner_id=partner_id, terms=TERMS)
    _order(scratch, "agreement.activate", agreement_id=feed)
    _order(scratch, "endpoint.add", endpoint_id=endpoint_id, agreement_id=feed, url=url)
    return partner_id, feed, endpoint_id


def _key(scratch: Scratch, partner_id: UUID) -> str:
    key = new_key(uuid7())
    _order(scratch, "access.admit", access_id=key.access_id, acts_as=partner_id)
    _order(scratch, "access.grant_role", access_id=key.access_id, role="partner")
    _order(scratch, "access.issue_key", access_id=key.access_id, hash=key.hash)
    return key.text


def _order(scratch: Scratch, name: str, /, **fields: object) -> None:
    command = REGISTRY.named(name).command.model_validate(fields)
    scratch.installation.executor.execute(command, Context(uuid7(), "bench", fresh=True))


def _await_api(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the API did not start")


if __name__ == "__main__":
    main(measure)
