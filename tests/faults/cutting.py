"""A proxy before PostgreSQL's socket that loses what it is told to lose."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

APPEND = b"ledger.append"


class Cut(Enum):
    """What of an append is lost, together with its connection."""

    REQUEST = "it never arrives"
    REPLY = "it is committed, and nobody learns it"


class CuttingProxy:
    """Passes everything on, but for the appends for which `choose` answers a cut. Use as a context."""

    def __init__(self, dsn: str, folder: Path, choose: Callable[[], Cut | None]) -> None:
        known = conninfo_to_dict(dsn)
        self._behind = f"{known['host']}/.s.PGSQL.{known['port']}"
        self.dsn = make_conninfo(dsn, host=str(folder))
        self._choose, self.cuts = choose, list[Cut]()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{known['port']}"))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=[client])
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._behind)
            lost = threading.Event()  # from now on nothing comes back
            back = threading.Thread(target=self._return, args=[server, client, lost])
            back.start()
            appends = False
            while question := _receive(client):
                appends = appends or APPEND in question  # prepared once in a session, then called by its name
                cut = self._choose() if appends and APPEND not in question else None
                if cut:
                    self.cuts.append(cut)
                if cut is Cut.REQUEST:
                    break
                if cut is Cut.REPLY:
                    lost.set()
                server.sendall(question)
            _hang_up(server)
            back.join(10)

    @staticmethod
    def _return(server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        while (answer := _receive(server)) and not lost.is_set():
            client.sendall(answer)
        _hang_up(client)


def _receive(source: socket.socket) -> bytes:
    try:
        return source.recv(1 << 20)
    except OSError:
        return b""


def _hang_up(side: socket.socket) -> None:
    with contextlib.suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
