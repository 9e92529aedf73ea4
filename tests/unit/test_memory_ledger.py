"""The ledger in memory keeps the contract."""

import pytest

from adapters.memory.ledger import MemoryLedger
from tests.contracts.ledger_contract import LedgerContract


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    def ledger(self) -> MemoryLedger:
        return MemoryLedger()
