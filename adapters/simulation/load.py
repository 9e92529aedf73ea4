"""Loads a simulation into a ledger, in chunks; what was loaded before is recognised and changes nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.simulation.simulation import Simulation, batches
from domain.errors import RefusedError
from domain.execute import Executor


@dataclass(slots=True)
class Loaded:
    """How far a load came: `repeated` commands were known, `refused` are counted by reason."""

    commands: int = 0
    facts: int = 0
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def facts_per_s(self) -> float:
        return self.facts / self.seconds if self.seconds else 0.0

    def reasons(self) -> Mapping[str, int]:
        return dict(self.refused.most_common())


def _silent(_: Loaded) -> None: ...


def _never() -> bool:
    return False


def load(
    executor: Executor,
    simulation: Simulation,
    *,
    on_progress: Callable[[Loaded], None] = _silent,
    stop: Callable[[], bool] = _never,
) -> Loaded:
    """`stop` is asked between chunks, each of which is appended as a whole; the same simulation goes on from there."""
    loaded, began = Loaded(), time.monotonic()
    for batch in batches(simulation):
        if stop():
            loaded.interrupted = True
            break
        for verdict in executor.execute_all(batch):
            loaded.commands += 1
            if isinstance(verdict, RefusedError):
                loaded.refused[str(verdict).partition(":")[0]] += 1
            elif verdict.repeated:
                loaded.repeated += 1
            else:
                loaded.facts += len(verdict.places)
        loaded.seconds = time.monotonic() - began
        on_progress(loaded)
    return loaded
