"""The ledger of a dry run: it answers as the one below would after the append, and leaves that one alone."""

from __future__ import annotations

import pytest

from adapters.ids import uuid7
from adapters.importers.overlay import OverlayLedger
from domain.execute import Executor
from domain.ports import Append, StaleError
from tests.world import World, fresh, order


def test_what_a_dry_run_appends_is_seen_above_and_not_below() -> None:
    world, customer_id = World(), uuid7()
    overlay = OverlayLedger(world.ledger)
    executor = Executor(overlay, world.vault, world.here.registry, clock=lambda: world.now)
    executor.execute(order("customer.register", customer_id=customer_id), fresh())
    assert [event.stream_version for event in overlay.load([customer_id])] == [1]
    assert world.ledger.last_position() == 0


def test_a_stream_that_moved_on_above_is_stale() -> None:
    world, customer_id = World(), uuid7()
    overlay = OverlayLedger(world.ledger)
    executor = Executor(overlay, world.vault, world.here.registry, clock=lambda: world.now)
    executor.execute(order("customer.register", customer_id=customer_id), fresh())
    with pytest.raises(StaleError):
        overlay.append(Append((), {}, {customer_id: 0}))
    overlay.append(Append((), {}, {customer_id: 1}))
