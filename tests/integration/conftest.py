"""What integration tests share stands in tests/conftest.py."""

from tests.conftest import MIGRATIONS, Databases

__all__ = ["MIGRATIONS", "Databases"]
