"""What a worker process of the shop runs, once it has its fault."""

from __future__ import annotations

import sys
import threading
from functools import partial

from adapters.postgres.ledger_source import LedgerSource
from projections.engine.schema import connect
from projections.engine.worker import run
from tests.integration.engine.conftest import QUICK, SHOP


def fold_the_shop() -> None:
    """Over the database that the first argument names, for ever."""
    dsn = sys.argv[1]
    run(
        SHOP,
        connect=partial(connect, dsn, SHOP),
        open_log=partial(LedgerSource, dsn),
        stop=threading.Event(),
        pace=QUICK,
    )
