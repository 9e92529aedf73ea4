"""The API under load: single commands, batches and pages, over keep-alive connections; load on the same machine."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from statistics import quantiles
from typing import Any

import uvloop

from adapters.access.api_key import new_key
from adapters.ids import uuid7
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, free_port, main, take_turns
from domain.catalogue import REGISTRY
from domain.errors import RefusedError
from domain.execute import Context

CONNECTIONS, BATCH, PAGE, COMMANDS = 32, 50, 50, 2_000
SECONDS, ROUNDS = 10.0, 5
READY_S = 60.0
KEPT, ANYWHERE = "kept to a processor", "anywhere"
WANTED = f"{CONNECTIONS} keep-alive connections, durable"
HOW = (
    "`relato run api` beside PostgreSQL, the folds of sales and the load, which is another process; once with"
    " RELATO_API_CPU, once where the system puts it. At half the load a command waits from the time it was due."
)
Ask = Callable[[], bytes]


def issue_key(scratch: Scratch) -> str:
    key = new_key(uuid7())
    orders: list[tuple[str, Mapping[str, Any]]] = [
        ("access.admit", {}),
        ("access.grant_role", {"role": "administrator"}),
        ("access.issue_key", {"hash": key.hash}),
    ]
    give_all(scratch, [(name, {"access_id": key.access_id, **fields}) for name, fields in orders])
    return key.text


def give_all(scratch: Scratch, orders: list[tuple[str, dict[str, Any]]]) -> None:
    batch = [
        (REGISTRY.named(name).command.model_validate(fields), Context(uuid7(), "bench")) for name, fields in orders
    ]
    for verdict in scratch.installation.executor.execute_all(batch):
        if isinstance(verdict, RefusedError):
            raise verdict


def fill(scratch: Scratch) -> None:
    """Deals of customers and a seller whose names are sealed."""
    seller = uuid7()
    orders: list[tuple[str, dict[str, Any]]] = [("employee.hire", {"employee_id": seller, "name": "Sam"})]
    for n in range(2 * PAGE):
        customer = uuid7()
        orders.append(("customer.register", {"customer_id": customer, "name": f"Ana {n}"}))
        deal = {"opportunity_id": uuid7(), "customer_id": customer, "seller_id": seller}
        orders.append(("opportunity.open", deal))
    give_all(scratch, orders)


class Server:
    """`relato run api`, under `key`."""

    def __init__(self, scratch: Scratch, name: str, key: str) -> None:
        self._head = f"Host: bench\r\nAuthorization: Bearer {key}\r\n"
        self._port = free_port()
        scratch.start(name, "api", "--port", str(self._port))

    def get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode()

    def post(self, path: str, body: bytes) -> bytes:
        kind = f"Content-Type: application/json\r\nIdempotency-Key: {uuid7()}\r\nContent-Length: {len(body)}\r\n"
        return f"POST {path} HTTP/1.1\r\n{self._head}{kind}\r\n".encode() + body

    def per_second(self, ask: Ask, seconds: float) -> float:
        return uvloop.run(self._load(ask, seconds))

    async def _load(self, ask: Ask, seconds: float) -> float:
        began = time.perf_counter()
        counts = await asyncio.gather(*(self._call(ask, began + seconds) for _ in range(CONNECTIONS)))
        return sum(counts) / (time.perf_counter() - began)

    def p99_ms(self, ask: Ask, rate: int, seconds: float) -> float:
        """Of requests that begin at fixed times, whatever became of those before; each waits from its time on."""
        waited = uvloop.run(self._paced(ask, rate, round(rate * seconds)))
        return round(1000 * quantiles(waited, n=100)[98], 2)

    async def _paced(self, ask: Ask, rate: int, count: int) -> list[float]:
        waited, turns, start = list[float](), iter(range(count)), time.perf_counter() + 0.1

        async def call() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            for turn in turns:
                due = start + turn / rate
                await asyncio.sleep(due - time.perf_counter())
                writer.write(ask())
                await _answer(reader)
                waited.append(time.perf_counter() - due)
            writer.close()

        await asyncio.gather(*(call() for _ in range(CONNECTIONS)))
        return waited

    def open_deal(self) -> str:
        asked = self.post("/v1/opportunity/new/open", b'{"title": "Chairs"}')
        return str(uvloop.run(self._once(asked))["ids"]["opportunity_id"])

    async def _call(self, ask: Ask, until: float) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        count = 0
        while time.perf_counter() < until:
            writer.write(ask())
            await _answer(reader)
            count += 1
        writer.close()
        return count

    def await_rows(self) -> None:
        deadline = time.monotonic() + READY_S
        while True:
            try:
                if len(uvloop.run(self._once(self.get(f"/v1/sales/pipeline?limit={PAGE}")))["rows"]) == PAGE:
                    return
            except (OSError, RuntimeError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    async def _once(self, request: bytes) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(request)
        try:
            return json.loads(await _answer(reader))
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    body = await reader.readexactly(length)
    if head[9:11] != b"20":
        raise RuntimeError(body.decode())
    return body


def start(scratch: Scratch) -> Mapping[str, Server]:
    """One that keeps to a processor, as the settings allow, and one that runs where the system puts it."""
    key = issue_key(scratch)
    fill(scratch)
    scratch.start("folds", "folds", "--service", "sales")
    os.environ["RELATO_API_CPU"] = str(min(os.sched_getaffinity(0)))
    kept = Server(scratch, "api", key)
    del os.environ["RELATO_API_CPU"]
    servers = {ANYWHERE: Server(scratch, "api anywhere", key), KEPT: kept}
    for server in servers.values():
        server.await_rows()
    return servers


def asks_of(server: Server) -> Mapping[str, Ask]:
    deal = b'{"title": "Chairs"}'
    many = json.dumps({"commands": [{"command": "opportunity.open", "with": {"title": "Chairs"}}] * BATCH}).encode()
    return {
        "commands": lambda: server.post("/v1/opportunity/new/open", deal),
        "batches": lambda: server.post("/v1/batch", many),
        "pages": lambda: server.get(f"/v1/sales/pipeline?limit={PAGE}"),
    }


def measure(scratch: Scratch) -> Measured:
    servers, seconds = start(scratch), scratch.choose(SECONDS, 2.0)
    sides: dict[str, Callable[[], float]] = {
        f"{name}, {way}": partial(server.per_second, ask, seconds)
        for way, server in servers.items()
        for name, ask in asks_of(server).items()
    }
    kept, titles = servers[KEPT], count()
    one, command = kept.open_deal(), asks_of(kept)["commands"]
    sides["half"] = partial(kept.p99_ms, command, COMMANDS // 2, seconds)
    asked = (f"/v1/opportunity/{one}/amend", lambda: b'{"title": "Chairs %d"}' % next(titles))
    sides["one stream"] = partial(kept.per_second, lambda: kept.post(asked[0], asked[1]()), seconds)
    found = take_turns(sides, scratch.count(ROUNDS, 1))
    figures: list[Figure] = []
    for way in servers:
        facts = [round(value * BATCH, 1) for value in found[f"batches, {way}"]]
        figures += [
            Figure(what=f"{what}, {way}", against=WANTED, unit=unit, target=target, values=values, how=HOW)
            for what, unit, target, values in (
                ("single commands over HTTP", "/s", COMMANDS, found[f"commands, {way}"]),
                (f"batches of {BATCH} over HTTP", "facts/s", 8_000, facts),
                (f"pages of {PAGE} rows, two sealed columns", "/s", 600, found[f"pages, {way}"]),
            )
        ]
    half = f"single commands over HTTP at {COMMANDS // 2:,}/s, {KEPT}: p99"
    return [
        *figures,
        Figure(what=half, against=WANTED, unit="ms", target=60, is_most=True, values=found["half"], how=HOW),
        Figure(what=f"commands on one stream, {KEPT}", against=WANTED, unit="/s", values=found["one stream"], how=HOW),
    ]


if __name__ == "__main__":
    main(measure)
