"""What integration tests share stands in tests/conftest.py, and the shop beside this."""

from pathlib import Path

import pytest

from tests.conftest import MIGRATIONS, Databases
from tests.integration.shop import Shop

__all__ = ["MIGRATIONS", "Databases"]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)
