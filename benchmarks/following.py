"""Two hundred who follow sales' facts over HTTP (SSE): from the acknowledged command until each has parsed the fact."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

import uvloop

from adapters.ids import uuid7
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, beside, free_port, hear, main, say
from benchmarks.serving import issue_key
from deploy.processes import Child
from domain.catalogue import REGISTRY
from domain.execute import Context

FOLLOWERS, KEYS, RATE, SECONDS = 200, 4, 10, 20
WARM_S = 3.0  # until all follow and what is remembered is
HOW = (
    "{followers} connections under {keys} keys follow `/v1/sales/facts`, read by one other process; {rate} customers a"
    " second are registered, so that each follower is told {rate} facts a second, each with a name that is opened for"
    " it and noted in the access log first. Every follower's every fact counts."
)


def measure(scratch: Scratch) -> Measured:
    keys, port = [issue_key(scratch) for _ in range(KEYS)], free_port()
    child = scratch.start("api", "api", "--port", str(port))
    _await_open(port)
    followers = scratch.count(FOLLOWERS, 20)
    with beside("following", "--follow") as others:
        say(others, {"port": port, "keys": keys, "followers": followers})
        hear(others)
        for _ in range(int(WARM_S * RATE)):
            _register(scratch)
            time.sleep(1 / RATE)
        before = _resident_mib(child)
        rounds = [_round(scratch, scratch.count(SECONDS, 3)) for _ in range(scratch.count(5, 1))]
        after = _resident_mib(child)
        time.sleep(WARM_S)
        assert others.stdin
        others.stdin.close()
        seen: Mapping[str, list[float]] = hear(others)
    waited = [_waited(told, seen, followers) for told in rounds]
    how = HOW.format(followers=followers, keys=KEYS, rate=RATE)
    p99 = [_cut(found, 98) for found in waited]
    what = f"{followers} followers (SSE), {RATE} facts/s each"
    return [
        Figure(what=f"{what}: p99", against="—", unit="ms", target=300, is_most=True, values=p99, how=how),
        Figure(what=f"{what}: median", against="—", unit="ms", values=[_cut(found, 49) for found in waited], how=how),
        Figure(what=f"{what}: the API's memory grew by", against="—", unit="MiB", values=[round(after - before, 1)],
               how=f"Resident, over all rounds; {after:.0f} MiB at the end."),
    ]  # fmt: skip


def _round(scratch: Scratch, seconds: int) -> Mapping[int, float]:
    """By position, when each was acknowledged."""
    start, told = time.monotonic(), dict[int, float]()
    for n in range(seconds * RATE):
        time.sleep(max(0.0, start + n / RATE - time.monotonic()))
        position = _register(scratch)
        told[position] = time.monotonic()
    return told


def _register(scratch: Scratch) -> int:
    command = REGISTRY.named("customer.register").command.model_validate({"customer_id": uuid7(), "name": "Ana"})
    outcome = scratch.installation.executor.execute(command, Context(uuid7(), "bench", fresh=True))
    return outcome.places[0].position


def _waited(told: Mapping[int, float], seen: Mapping[str, list[float]], followers: int) -> list[float]:
    """Milliseconds; whoever was not told of a fact at all is no figure but a fault."""
    found = [1000 * (at - told[position]) for position in told for at in seen.get(str(position), ())]
    if len(found) != len(told) * followers:
        raise RuntimeError(f"{len(told) * followers - len(found)} were not told")
    return found


def _cut(found: list[float], at: int) -> float:
    return round(quantiles(found, n=100)[at], 2)


def _resident_mib(child: Child) -> float:
    status = Path(f"/proc/{child.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _await_open(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the API did not start")


async def _follow(port: int, key: str, seen: dict[int, list[float]], begun: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = "GET /v1/sales/facts HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\nAuthorization: Bearer "
    writer.write(f"{asked}{key}\r\n\r\n".encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(status.decode())
    while line := await reader.readline():
        if line.startswith(b": heartbeat"):
            begun.set()
        elif line.startswith(b"data: "):
            position = int(json.loads(line[6:])["position"])
            seen.setdefault(position, []).append(time.monotonic())
    raise RuntimeError("the stream ended")


async def _follow_all(asked: Mapping[str, Any]) -> None:
    """Until the input ends; tells first that all follow, and at the end when each fact was seen."""
    seen: dict[int, list[float]] = {}
    begun = [asyncio.Event() for _ in range(asked["followers"])]
    keys = asked["keys"]
    following = [
        asyncio.ensure_future(_follow(asked["port"], keys[n % len(keys)], seen, one)) for n, one in enumerate(begun)
    ]
    try:
        await asyncio.gather(*(one.wait() for one in begun))
        print(json.dumps("ready"), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, partial(sys.stdin.read))
        if broken := [one for one in following if one.done()]:
            broken[0].result()
    finally:
        for one in following:
            one.cancel()
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--follow"]:
        uvloop.run(_follow_all(json.loads(sys.stdin.readline())))
    else:
        main(measure)
