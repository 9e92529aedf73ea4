"""How the one worker of its kind goes on: waits until it leads, and comes back by itself when something was away."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from threading import Event as Stop

from domain.errors import UnavailableError

POLL_S = 0.5
FIRST_PAUSE_S, LONGEST_PAUSE_S, CALM_S = 0.2, 5.0, 10.0

Tell = Callable[[UnavailableError, float], None]  # of a pause: why, and how long


def go_on(
    serve: Callable[[], None], stop: Stop, on_pause: Tell, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Serves until `stop`, again after each UnavailableError; longer pauses where it was no sooner back than away."""
    gc.set_threshold(50_000, 20, 100)  # else a fifth of the time goes into looking for cycles in what is in flight
    pause = FIRST_PAUSE_S
    while not stop.is_set():
        began = clock()
        try:
            serve()
        except UnavailableError as error:
            pause = FIRST_PAUSE_S if clock() - began > CALM_S else min(2 * pause, LONGEST_PAUSE_S)
            on_pause(error, pause)
            stop.wait(pause)


def await_lead(lead: Callable[[], bool], stop: Stop) -> bool:
    """Until it leads; false when it is to stop first."""
    while not lead():
        if stop.wait(POLL_S):
            return False
    return True
