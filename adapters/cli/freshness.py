"""Read models brought up to now before they are shown, where no worker does it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedError
from contextlib import closing
from functools import partial

from adapters.cli.installation import Installation
from adapters.cli.terminal import note
from adapters.postgres.views import count_workers
from domain.errors import UnavailableError
from projections.engine.progress import lag, wait_for
from projections.engine.readmodel import Service
from projections.engine.worker import catch_up

QUIET_S = 2.0
WAIT_S = 10.0
GLANCE_S = 0.25


class NotFoldedError(UnavailableError):
    """What you wrote is not in the read model yet; the workers lag, see `relato status`."""


def freshen(installation: Installation, service: Service, token: str | None) -> None:
    """Workers that run are trusted to keep up, and waited for up to the token; without any, we fold what there is."""
    with closing(installation.connect(service.name)) as db:
        if count_workers(db):
            if token and not wait_for(db, token, timeout_s=WAIT_S):
                raise NotFoldedError
            return
    connect = partial(installation.connect, service.name)
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(catch_up, service, connect=connect, open_log=installation.open_log)
        if not _is_done(work, QUIET_S):
            note(f"no worker folds for {service.name} (see `relato up`): catching up first")
            _watch(installation, service, partial(_is_done, work, GLANCE_S))
        work.result()


def _is_done(work: Future[None], within_s: float) -> bool:
    try:
        work.exception(within_s)
    except WaitedError:
        return False
    return True


def _watch(installation: Installation, service: Service, is_done: Callable[[], bool]) -> None:
    from rich.console import Console  # noqa: PLC0415 slow to load, and seldom needed
    from rich.progress import Progress  # noqa: PLC0415 the same

    with (
        Progress(console=Console(stderr=True), transient=True) as bar,
        closing(installation.connect(service.name)) as db,
    ):
        heads = installation.ledger.partition_heads()
        total = max(1, sum(heads.values()) * len(service.models))
        task = bar.add_task(f"folding for {service.name}", total=total)
        while not is_done():
            bar.update(task, completed=total - sum(place.behind for place in lag(db, heads)))
            time.sleep(GLANCE_S)
