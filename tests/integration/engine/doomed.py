"""A worker process that is killed in its third batch, after the rows are written and before they are committed."""

from __future__ import annotations

import os
import signal
from typing import Any

from projections.engine import engine
from tests.integration.engine.folding_shop import fold_the_shop

_write = engine.Engine._write
_batches = iter(range(1_000_000))


def die_in_the_third(self: engine.Engine, *args: Any, **kwargs: Any) -> Any:
    done = _write(self, *args, **kwargs)
    if next(_batches) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return done


if __name__ == "__main__":
    engine.Engine._write = die_in_the_third  # type: ignore[method-assign]  # the fault
    fold_the_shop()
