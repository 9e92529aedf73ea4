"""The API under load: single commands, batches and pages, over keep-alive connections; load on the same machine."""

from __future__ import annotations

import asyncio
import json
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
    """`relato run api` beside the folds of sales."""

    def __init__(self, scratch: Scratch) -> None:
        self._head = f"Host: bench\r\nAuthorization: Bearer {issue_key(scratch)}\r\n"
        fill(scratch)
        self._port = free_port()
        scratch.start("api", "api", "--port", str(self._port))
        scratch.start("folds", "folds", "--service", "sales")
        self._await_rows()

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

    def _await_rows(self) -> None:
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


def measure(scratch: Scratch) -> Measured:
    server = Server(scratch)
    deal = b'{"title": "Chairs"}'
    many = json.dumps({"commands": [{"command": "opportunity.open", "with": {"title": "Chairs"}}] * BATCH}).encode()
    one, titles = server.open_deal(), count()
    asks: dict[str, Ask] = {
        "commands": lambda: server.post("/v1/opportunity/new/open", deal),
        "batches": lambda: server.post("/v1/batch", many),
        "pages": lambda: server.get(f"/v1/sales/pipeline?limit={PAGE}"),
        "one stream": lambda: server.post(f"/v1/opportunity/{one}/amend", b'{"title": "Chairs %d"}' % next(titles)),
    }
    seconds, rounds = scratch.choose(SECONDS, 2.0), scratch.count(ROUNDS, 1)
    sides = {name: partial(server.per_second, ask, seconds) for name, ask in asks.items()}
    sides["half"] = partial(server.p99_ms, asks["commands"], COMMANDS // 2, seconds)
    found = take_turns(sides, rounds)
    facts = [round(value * BATCH, 1) for value in found["batches"]]
    wanted = f"{CONNECTIONS} keep-alive connections, durable"
    return [
        Figure(what="single commands over HTTP", against=wanted, unit="/s", target=COMMANDS, values=found["commands"]),
        Figure(
            what=f"single commands over HTTP at {COMMANDS // 2:,}/s: p99",
            against=wanted,
            unit="ms",
            target=60,
            is_most=True,
            values=found["half"],
        ),
        Figure(what="commands on one stream over HTTP", against=wanted, unit="/s", values=found["one stream"]),
        Figure(what=f"batches of {BATCH} over HTTP", against=wanted, unit="facts/s", target=8_000, values=facts),
        Figure(
            what=f"pages of {PAGE} rows, two sealed columns",
            against=wanted,
            unit="/s",
            target=600,
            values=found["pages"],
        ),
    ]


if __name__ == "__main__":
    main(measure)
