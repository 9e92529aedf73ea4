"""The quarantine in memory keeps the contract."""

import pytest

from tests.contracts.quarantine_contract import QuarantineContract
from tests.sending import MemoryQuarantine


class TestMemoryQuarantine(QuarantineContract):
    @pytest.fixture
    def quarantine(self) -> MemoryQuarantine:
        return MemoryQuarantine()
