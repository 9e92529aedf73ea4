"""Over a line that is cut before or after the commit, each command is in the ledger exactly once."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.execute import Outcome
from tests.backend import Backend, order
from tests.conftest import Databases
from tests.faults.cutting import Cut, CuttingProxy
from tests.faults.needs import assert_once, insist, issuer, need


class TestLostReplies:
    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="relato-") as folder:
            yield Path(folder)

    @pytest.mark.parametrize("cut", Cut)
    def test_the_caller_gets_the_outcome_of_what_happened_once(
        self, own: Databases, master: str, backend: Backend, folder: Path, cut: Cut
    ) -> None:
        cuts = [None, cut]
        with CuttingProxy(own.app, folder, lambda: cuts.pop(0) if cuts else None) as proxy:
            through = Backend.open(proxy.dsn, own.keys_app, master)
            customer_id, context = through.customer(), issuer()
            first = need(through, customer_id, 1, context)
            again = need(through, customer_id, 1, context)
            through.close()
        assert proxy.cuts == [cut]
        assert (first.repeated, again.repeated) == (cut is Cut.REPLY, True)
        [event] = backend.ledger.read(1, 10)
        assert [place.position for place in first.places] == [event.position] == [2]
        assert first.places == again.places

    def test_many_callers_over_a_bad_line_lose_and_double_nothing(
        self, own: Databases, master: str, backend: Backend, folder: Path
    ) -> None:
        chance = random.Random(11)
        customers = [backend.customer() for _ in range(4)]
        contexts = [issuer() for _ in range(240)]
        with CuttingProxy(own.app, folder, lambda: chance.choice([*Cut, *[None] * 8])) as proxy:
            through = Backend.open(proxy.dsn, own.keys_app, master)
            with ThreadPoolExecutor(12) as pool:
                outcomes = list(
                    pool.map(lambda n: insist(through, customers[n % 4], n, contexts[n]), range(len(contexts)))
                )
            through.close()
        assert set(proxy.cuts) == set(Cut)
        assert_once(backend, own.app, [context.command_id for context in contexts])
        events = {event.position: event for event in backend.ledger.read(0, 1_000)}
        for context, outcome in zip(contexts, outcomes, strict=True):
            assert [events[place.position].command_id for place in outcome.places] == [context.command_id]

    def test_batches_over_a_bad_line_lose_and_double_nothing(
        self, own: Databases, master: str, backend: Backend, folder: Path
    ) -> None:
        cuts = [None, Cut.REPLY, Cut.REPLY, None, Cut.REQUEST, Cut.REPLY]
        customer_id, contexts = backend.customer(), [issuer() for _ in range(60)]
        with CuttingProxy(own.app, folder, lambda: cuts.pop(0) if cuts else None) as proxy:
            through = Backend.open(proxy.dsn, own.keys_app, master)
            for start in range(0, 60, 10):
                batch = [
                    (order("customer.note_need", customer_id=customer_id, need=f"need {start + n}"), context)
                    for n, context in enumerate(contexts[start : start + 10])
                ]
                verdicts = through.executor.execute_all(batch)
                assert [len(verdict.places) for verdict in verdicts if isinstance(verdict, Outcome)] == [1] * 10
            through.close()
        assert len(proxy.cuts) == 4
        assert_once(backend, own.app, [context.command_id for context in contexts])
