"""The API over an installation: its parts put together, and served."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Sequence
from functools import cache, partial
from importlib.metadata import version

import structlog
from starlette.types import ASGIApp

from adapters.http.api_keys import ApiKeys
from adapters.http.app import make_app
from adapters.http.parts import Limits, Parts
from adapters.http.server import listen, serve
from adapters.http.workers import Workers
from adapters.postgres.key_purposes import PostgresKeyPurposes
from adapters.postgres.pages import PostgresPages
from deploy.settings import Settings
from deploy.wiring import Installation, now
from domain.errors import UnavailableError
from projections.disclosure import Disclosure

log = structlog.get_logger("relato")


def parts_of(installation: Installation) -> Parts:
    """What is opened here is closed with the installation."""
    settings, ledger = installation.settings, installation.ledger
    workers = installation.keep(Workers(settings.api_threads))
    keys = installation.keep(PostgresKeyPurposes(installation.databases.keys))

    of_grant = cache(partial(Disclosure, installation.vault, keys))

    return Parts(
        executor=installation.executor,
        vault=installation.vault,
        log=ledger,
        identities=installation.identities,
        pages=installation.keep(PostgresPages(installation.databases.ledger, settings.zone)),
        disclosure=lambda _, grant: of_grant(grant),
        authenticate=ApiKeys(ledger, workers, now),
        workers=workers,
        faults=lambda: _faults(installation),
        limits=Limits(),
        cors_origins=settings.cors_origins,
        version=version("relato"),
    )


def _faults(installation: Installation) -> Sequence[str]:
    """Asked of the parts themselves: the ledger answers, the key database does."""
    found: list[str] = []
    for name, ask in (("ledger", installation.ledger.last_position), ("keys", lambda: installation.vault.erased([]))):
        try:
            ask()
        except UnavailableError as error:
            found.append(f"{name}: {error}")
    return found


def api_of(installation: Installation) -> ASGIApp:
    return make_app(parts_of(installation))


def _spare_collections() -> None:
    """What was loaded stays, and requests leave no cycles behind: looking for them often costs a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def run(settings: Settings, stop: threading.Event) -> None:
    """The port is taken before anything is opened, so that a taken one is told at once."""
    listener = listen(settings.host, settings.port)
    with listener, Installation(settings) as installation:
        api = api_of(installation)
        _spare_collections()
        serve(api, listener, stop, lambda: _tell(listener))


def _tell(listener: socket.socket) -> None:
    host, port, *_ = listener.getsockname()
    log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")
