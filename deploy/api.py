"""The API over an installation: its parts put together, and served."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Sequence
from functools import cache, partial
from importlib.metadata import version

import structlog

from adapters.http.access_log import AccessLog, note_opened
from adapters.http.api_keys import ApiKeys, TeamOf
from adapters.http.app import make_app
from adapters.http.issuer_keys import IssuerKeys, check_address
from adapters.http.metrics import Metrics
from adapters.http.oidc import Bearers, OidcTokens, Trust
from adapters.http.parts import Limits, Parts
from adapters.http.principal import Authenticate
from adapters.http.server import listen, serve
from adapters.http.workers import Workers
from adapters.postgres.key_purposes import PostgresKeyPurposes
from adapters.postgres.pages import PostgresPages
from adapters.postgres.progress import LeaderSession
from deploy.readings import read
from deploy.settings import Settings
from deploy.wiring import Installation, now
from domain.errors import UnavailableError
from domain.ports import Ledger
from projections.disclosure import Disclosure
from projections.teams import LARGEST_TEAM, team_of

log = structlog.get_logger("relato")


def parts_of(installation: Installation) -> Parts:
    """What is opened here is closed with the installation."""
    settings, ledger = installation.settings, installation.ledger
    workers = installation.keep(Workers(settings.api_threads))
    keys = installation.keep(PostgresKeyPurposes(installation.databases.keys))

    pages = installation.keep(PostgresPages(installation.databases.ledger, settings.zone))
    team_of_one = partial(team_of, partial(pages.read, limit=LARGEST_TEAM))
    of_grant = cache(partial(Disclosure, installation.vault, keys, on_opened=note_opened))

    return Parts(
        executor=installation.executor,
        vault=installation.vault,
        log=ledger,
        identities=installation.identities,
        pages=pages,
        disclosure=lambda _, grant: of_grant(grant),
        access_log=AccessLog(installation.access_log, keys.persons, workers),
        authenticate=_authenticate(settings, ledger, workers, team_of_one),
        workers=workers,
        faults=lambda: _faults(installation),
        limits=_limits_of(settings),
        metrics=_metrics_of(installation),
        loopback_reads_metrics=settings.metrics == "loopback",
        logs_requests=settings.log_requests,
        open_news=partial(_open_news, installation.databases.ledger),
        cors_origins=settings.cors_origins,
        version=version("relato"),
    )


def _authenticate(settings: Settings, ledger: Ledger, workers: Workers, team_of_one: TeamOf) -> Authenticate:
    keys = ApiKeys(ledger, workers, now, team_of_one)
    if not settings.oidc_issuer:
        return keys
    check_address(settings.oidc_issuer)
    trust = Trust(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_roles,
        settings.oidc_roles_claim,
        settings.oidc_acts_as_claim,
    )
    return Bearers(keys, OidcTokens(trust, IssuerKeys(trust.issuer), workers, now, team_of_one))


def _open_news(dsn: str) -> LeaderSession:
    session = LeaderSession(dsn, "relato api")
    session.listen("ledger")
    return session


def _limits_of(settings: Settings) -> Limits:
    limits = Limits()
    limits.requests_per_s = settings.requests_per_s
    return limits


def _metrics_of(installation: Installation) -> Metrics:
    metrics = Metrics()
    metrics.read_from(partial(read, installation))
    installation.ledger.watch_groups(metrics.count_group)
    return metrics


def _faults(installation: Installation) -> Sequence[str]:
    """Asked of the parts themselves: the ledger answers, the key database does."""
    found: list[str] = []
    for name, ask in (("ledger", installation.ledger.last_position), ("keys", lambda: installation.vault.erased([]))):
        try:
            ask()
        except UnavailableError as error:
            found.append(f"{name}: {error}")
    return found


def _spare_collections() -> None:
    """What was loaded stays, and requests leave no cycles behind: looking for them often costs a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def run(settings: Settings, stop: threading.Event) -> None:
    """The port is taken before anything is opened, so that a taken one is told at once."""
    listener = listen(settings.host, settings.port)
    with listener, Installation(settings) as installation:
        parts = parts_of(installation)
        api = make_app(parts)
        _spare_collections()
        serve(api, listener, stop, lambda: _tell(listener), parts.streams.end)


def _tell(listener: socket.socket) -> None:
    host, port, *_ = listener.getsockname()
    log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")
