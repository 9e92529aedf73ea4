"""Who reads a feed beside the load, in a process of its own: a pull that waits, a stream, a webhook."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import httpx
import psycopg

See = Callable[[str, int], None]
HEAD = b"select coalesce(max(feed_seq), 0) from feeds.entry where feed = %s"
PATIENCE_S = 60.0


class Sights:
    """When a number was first seen on each way, by a clock that all processes share."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[int, float]] = {}
        self._lock = threading.Lock()

    def see(self, way: str, number: int) -> None:
        at = time.monotonic()
        with self._lock:
            self.seen.setdefault(way, {}).setdefault(number, at)


def watch(dsn: str, feed: str, last: int, see: See) -> None:
    """Entries as they are made: told by the actor's own notification."""
    seen = 0
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("listen feeds")
        while seen < last:
            (head,) = db.execute(HEAD, [feed], prepare=True).fetchone() or (0,)
            for number in range(seen + 1, head + 1):
                see("made", number)
            seen = head
            for _ in db.notifies(timeout=0.5, stop_after=1):
                pass


def pull(url: str, headers: dict[str, str], last: int, see: See) -> None:
    after = 0
    with httpx.Client(headers=headers, timeout=PATIENCE_S) as client:
        while after < last:
            told = client.get(url, params={"after": after, "wait": 20, "limit": 100}).raise_for_status().json()
            for event in told["events"]:
                see("pull", event["feedseq"])
            after = told["next"]


def stream(url: str, headers: dict[str, str], last: int, see: See) -> None:
    with (
        httpx.Client(headers={**headers, "Accept": "text/event-stream"}, timeout=PATIENCE_S) as client,
        client.stream("GET", url, params={"after": 0}) as answer,
    ):
        for line in answer.iter_lines():
            if line.startswith("data: "):
                number = json.loads(line[6:])["feedseq"]
                see("stream", number)
                if number >= last:
                    return


async def receive(see: See, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`/hang` never answers, `/fail` answers 500."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        event = json.loads(await reader.readexactly(int(length.partition(b":")[2])))
        if b" /hang " in head:
            await asyncio.sleep(600)
        elif b" /good " in head:
            see("webhook", event["feedseq"])
        answer = b"500 No" if b" /fail " in head else b"204 Yes"
        writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()


async def serve(sights: Sights) -> None:
    """Until the input ends; tells its port first, and what was seen at the end."""
    server = await asyncio.start_server(partial(receive, sights.see), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(sights.seen), flush=True)
    os._exit(0)  # whoever hangs here hangs for ever


def read(sights: Sights) -> None:
    """What the input asks for; tells what was seen once all of it was."""
    asked = json.loads(sys.stdin.readline())
    last, headers = asked["last"], {"Authorization": f"Bearer {asked['key']}"}
    ways = [
        threading.Thread(target=watch, args=(asked["dsn"], asked["feed"], last, sights.see)),
        *(threading.Thread(target=way, args=(asked["url"], headers, last, sights.see)) for way in (pull, stream)),
    ]
    for way in ways:
        way.start()
    print(json.dumps("ready"), flush=True)
    for way in ways:
        way.join()
    print(json.dumps(sights.seen), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["receiver"]:
        asyncio.run(serve(Sights()))
    else:
        read(Sights())
