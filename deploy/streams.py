"""The live windows as they run: a worker that may be killed at any time, and who watches it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta

import structlog

from adapters.kafka.cluster import Cluster
from adapters.kafka.group import Place, Progress, ask_progress, begin_group
from adapters.kafka.windows import read_told
from adapters.postgres.progress import LeaderSession
from deploy.kafka_parts import cluster_of
from deploy.logs import configure_logs
from deploy.processes import Child, environment_of, stop_with_parent, supervise
from deploy.settings import Settings
from deploy.watchdog import Watchdog
from deploy.wiring import Installation
from domain.errors import RelatoError, UnavailableError
from streams.topics import SHARES, TopicSpec
from streams.windows.live import Live
from streams.windows.rules import Rules

log = structlog.get_logger("relato")

LEAD = "streams"
PATIENCE_S = 30.0  # the time that a worker may stand still; it takes some seconds to start
GLANCE_S = 5.0
OUTAGE_S = 30.0  # PostgreSQL may be away so long before somebody else is taken to lead
SKEW = timedelta(minutes=5)  # between PostgreSQL's clock, Kafka's and ours


class NoLongerLeadsError(RelatoError):
    """Another `relato run streams` has taken over while PostgreSQL was away; this one begins anew."""


def group_of(settings: Settings) -> str:
    return f"relato-windows-{settings.installation}"


def topics() -> list[TopicSpec]:
    return [SHARES[name] for name in Live(Rules()).types]


def run(settings: Settings, stop: threading.Event) -> None:
    """One of all that run this leads, and has a worker; the others wait. Raises NoKafkaError at once."""
    configure_logs()
    stop_with_parent(stop)
    cluster = cluster_of(settings)
    log.info("started", part="streams")
    with Installation(settings, part="streams") as installation:
        lead = Lead(installation.databases.ledger)
        with closing(lead):
            while not lead.holds() and not stop.wait(1.0):
                pass
            if not stop.is_set():
                watch(cluster, group_of(settings), settings, lead, stop)


class Lead:
    """Whether this process is the one whose worker works."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._session: LeaderSession | None = None

    def holds(self) -> bool:
        """Asks PostgreSQL; raises UnavailableError, after which it may be asked again."""
        try:
            self._session = self._session or LeaderSession(self._dsn, LEAD)
            return self._session.lead()
        except UnavailableError:
            self.close()
            raise

    def close(self) -> None:
        session, self._session = self._session, None
        if session:
            session.close()


def watch(cluster: Cluster, group: str, settings: Settings, lead: Lead, stop: threading.Event) -> None:
    """A worker until `stop`; another one when it ends or stands still. Raises NoLongerLeadsError."""
    given = {"RELATO_HOME": str(settings.home.absolute()), "RELATO_KAFKA": cluster.servers}
    child = Child("windows", ["streams", "--worker"], environment_of(given))
    failures: list[RelatoError] = []

    def look() -> None:
        try:
            _look_after(child, lead, lambda: _ask(cluster, group), stop)
        except RelatoError as error:
            failures.append(error)
            stop.set()

    looking = threading.Thread(target=look, name="watchdog", daemon=True)
    looking.start()
    supervise([], [child], log.warning, stop)
    looking.join(GLANCE_S)
    if failures:
        raise failures[0]


def _ask(cluster: Cluster, group: str) -> Mapping[Place, Progress]:
    return ask_progress(cluster, group, topics())


def _look_after(child: Child, lead: Lead, ask: Callable[[], Mapping[Place, Progress]], stop: threading.Event) -> None:
    watchdog, led_at = Watchdog(PATIENCE_S), time.monotonic()
    while not stop.wait(GLANCE_S):
        try:
            if not lead.holds():
                raise NoLongerLeadsError
            led_at = time.monotonic()
        except UnavailableError as error:
            if time.monotonic() - led_at > OUTAGE_S:
                raise NoLongerLeadsError(reason=str(error)) from error
        try:
            stands_still = watchdog.stands_still(ask(), time.monotonic())
        except UnavailableError:  # nobody can tell while Kafka is away
            watchdog.begin()
            continue
        if stands_still:
            log.warning("the windows' worker stands still; it is killed, another one begins anew")
            child.kill()
            watchdog.begin()


def run_worker(settings: Settings, stop: threading.Event) -> None:
    """What it knew is gone; it reads back what it told, and its topics as far as the windows reach."""
    configure_logs()
    stop_with_parent(stop)
    from adapters.faust.logs import use_our_log  # noqa: PLC0415 Faust is slow to load
    from adapters.faust.worker import Plan, run_until  # noqa: PLC0415 the same

    use_our_log()
    cluster, rules, now = cluster_of(settings), settings.rules, datetime.now(UTC)
    group = group_of(settings)
    starts = begin_group(cluster, group, topics(), now - rules.kept - SKEW)
    told = read_told(cluster, now - 2 * rules.late)
    log.info("started", part="windows", reads_since=(now - rules.kept).isoformat(timespec="seconds"))
    run_until(Plan(cluster, group, f"/relato/{settings.installation}", rules, starts, told), stop)
