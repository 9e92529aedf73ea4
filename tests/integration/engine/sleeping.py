"""A worker process that stops itself in its first batch, its rows sent within a pipeline and the rest not yet."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from typing import Any

from adapters.postgres.ledger_source import LedgerSource
from projections.engine import engine
from projections.engine.schema import connect
from projections.engine.worker import run
from tests.integration.engine.conftest import QUICK, SHOP

_save = engine.Engine._save
_saved = iter(range(1_000_000))


def sleep_after_the_first(self: engine.Engine, *args: Any) -> None:
    _save(self, *args)
    if next(_saved) == 0:
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    engine.Engine._save = sleep_after_the_first  # type: ignore[method-assign, assignment]  # the fault
    dsn = sys.argv[1]
    run(
        SHOP,
        connect=partial(connect, dsn, SHOP),
        open_log=partial(LedgerSource, dsn),
        stop=threading.Event(),
        pace=QUICK,
    )
