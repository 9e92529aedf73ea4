"""A worker process that stops itself in its first batch, its rows sent within a pipeline and the rest not yet."""

from __future__ import annotations

import os
import signal
from typing import Any

from projections.engine import engine
from tests.integration.engine.folding_shop import fold_the_shop

_save = engine.Engine._save
_saved = iter(range(1_000_000))


def sleep_after_the_first(self: engine.Engine, *args: Any) -> None:
    _save(self, *args)
    if next(_saved) == 0:
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    engine.Engine._save = sleep_after_the_first  # type: ignore[method-assign, assignment]  # the fault
    fold_the_shop()
