"""What only an adapter can tell of a command is asked before it is decided, whichever way it comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.ids import uuid7
from adapters.memory.vault import memory_vault
from domain.catalogue import REGISTRY
from domain.customer.commands import NoteNeed, RegisterCustomer
from domain.errors import InvalidError
from domain.execute import Checks, Executor, Outcome
from tests.world import WatchedLedger, fresh, order

ASKED: list[object] = []


def refuse_roofs(command: Any) -> None:
    ASKED.append(command)
    if command.need == "roof":
        raise InvalidError("no roofs")


@pytest.fixture
def executor() -> Executor:
    ASKED.clear()
    checks: Checks = {NoteNeed: refuse_roofs}
    return Executor(WatchedLedger(), memory_vault(), REGISTRY, clock=lambda: datetime.now(UTC), checks=checks)


def test_a_command_that_does_not_pass_is_refused_and_one_that_does_is_decided(executor: Executor) -> None:
    customer_id = uuid7()
    executor.execute(RegisterCustomer(customer_id=customer_id, name="Ana"), fresh())
    assert not ASKED
    with pytest.raises(InvalidError, match="no roofs"):
        executor.execute(order("customer.note_need", customer_id=customer_id, need="roof"), fresh())
    assert executor.execute(order("customer.note_need", customer_id=customer_id, need="door"), fresh()).places


def test_in_a_batch_it_is_refused_alone(executor: Executor) -> None:
    customer_id = uuid7()
    batch = [(order("customer.register", customer_id=customer_id), fresh())]
    batch += [(order("customer.note_need", customer_id=customer_id, need=need), fresh()) for need in ("roof", "door")]
    verdicts = executor.execute_all(batch)
    assert [isinstance(verdict, Outcome) for verdict in verdicts] == [True, False, True]


def test_the_short_way_leaves_it_to_the_long_one(executor: Executor) -> None:
    customer_id = uuid7()
    executor.execute(order("customer.register", customer_id=customer_id), fresh())
    roof, door = (order("customer.note_need", customer_id=customer_id, need=need) for need in ("roof", "door"))
    assert executor.begin(roof, fresh(), lambda: None) is None
    outcome = executor.begin(door, fresh(), lambda: None)
    assert outcome is not None
    assert outcome().places
