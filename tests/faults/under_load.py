"""A server that is killed, again and again, while it is busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor

from adapters.postgres.server import PostgresServer


def kill_under_load(
    server: PostgresServer,
    works: Sequence[Callable[[], None]],
    stop: threading.Event,
    *,
    done: Sized,
    kills: int,
    each: int,
    rest: int,
) -> None:
    """Each kill comes when so many more are done; after the last one `rest` are, counted from before it."""
    with ThreadPoolExecutor(len(works)) as pool:
        workers = [pool.submit(work) for work in works]
        for _ in range(kills):
            before = len(done)
            _await(done, before + each)
            server.kill()
            server.start()
        _await(done, before + rest)
        stop.set()
        for worker in workers:
            worker.result(60)


def _await(done: Sized, count: int) -> None:
    while len(done) < count:
        time.sleep(0.01)
