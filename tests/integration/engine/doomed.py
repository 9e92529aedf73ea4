"""A worker process that is killed in its third batch, after the rows are written and before they are committed."""

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

_write = engine.Engine._write
_batches = iter(range(1_000_000))


def die_in_the_third(self: engine.Engine, *args: Any, **kwargs: Any) -> Any:
    done = _write(self, *args, **kwargs)
    if next(_batches) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return done


if __name__ == "__main__":
    engine.Engine._write = die_in_the_third  # type: ignore[method-assign]  # the fault
    dsn = sys.argv[1]
    run(
        SHOP,
        connect=partial(connect, dsn, SHOP),
        open_log=partial(LedgerSource, dsn),
        stop=threading.Event(),
        pace=QUICK,
    )
