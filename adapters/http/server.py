"""The API's server: uvicorn, in a thread of its own, until it is told to stop; what was accepted is finished."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from adapters.http.connections import Connection
from domain.errors import RelatoError

GRACE_S = 15  # for requests that are under way; below what a supervisor waits for
KEEP_ALIVE_S = 30
BACKLOG = 512


class PortTakenError(RelatoError):
    """Another program listens there already; choose another --port."""


def listen(host: str, port: int) -> socket.socket:
    """Raises PortTakenError. Port 0 is any that is free."""
    try:
        return socket.create_server((host, port), backlog=BACKLOG, family=_family(host))
    except OSError as error:
        raise PortTakenError(host=host, port=port, reason=(error.strerror or "").lower()) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def serve(
    app: ASGIApp,
    listener: socket.socket,
    stop: threading.Event,
    on_ready: Callable[[], None],
    on_stop: Callable[[], None] = lambda: None,
    *,
    connection: type[Connection] = Connection,
) -> None:
    """Until `stop` is set; a failure to start is raised. `on_stop` ends what would go on for ever."""
    server = uvicorn.Server(_configure(app, connection))
    failures: list[BaseException] = []
    thread = threading.Thread(target=_run, args=(server, listener, stop, failures), name="http")
    thread.start()
    while not (server.started or stop.wait(0.02)):
        pass
    if server.started:
        on_ready()
    stop.wait()
    server.should_exit = True
    on_stop()
    thread.join()
    if failures:
        raise failures[0]


def _configure(app: ASGIApp, connection: type[Connection]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,  # what uvicorn says of a failure may hold somebody's data
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


def _run(server: uvicorn.Server, listener: socket.socket, stop: threading.Event, failures: list[BaseException]) -> None:
    """Not in the main thread, where uvicorn would take the signals for itself."""
    try:
        server.run(sockets=[listener])
    except BaseException as error:  # noqa: BLE001 it is raised where the server was started
        failures.append(error)
    finally:
        stop.set()
