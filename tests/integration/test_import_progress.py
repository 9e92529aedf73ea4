"""How far an import has come is kept in PostgreSQL, and survives the process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.importers import ImportProgress, MemoryImportProgress, Position
from adapters.postgres.import_progress import PostgresImportProgress
from tests.conftest import Databases


class ImportProgressContract:
    def test_nothing_is_known_at_first(self, progress: ImportProgress) -> None:
        assert progress.find("shop/lines", b"d") == Position(0, finished=False)

    def test_what_was_saved_last_is_found(self, progress: ImportProgress) -> None:
        for position in (Position(10), Position(20), Position(25, finished=True)):
            progress.save("shop/lines", b"d", position)
            assert progress.find("shop/lines", b"d") == position

    def test_an_import_that_starts_again_is_unfinished_again(self, progress: ImportProgress) -> None:
        progress.save("shop/lines", b"d", Position(25, finished=True))
        progress.save("shop/lines", b"d", Position(5))
        assert progress.find("shop/lines", b"d") == Position(5, finished=False)

    def test_another_file_is_another_import(self, progress: ImportProgress) -> None:
        progress.save("shop/lines", b"d", Position(10))
        assert progress.find("shop/lines", b"e") == Position()
        assert progress.find("shop/orders", b"d") == Position()


class TestMemoryImportProgress(ImportProgressContract):
    @pytest.fixture
    def progress(self) -> ImportProgress:
        return MemoryImportProgress()


class TestPostgresImportProgress(ImportProgressContract):
    @pytest.fixture
    def progress(self, databases: Databases) -> Iterator[PostgresImportProgress]:
        progress = PostgresImportProgress(databases.app)
        yield progress
        progress.close()

    def test_another_process_finds_it(self, progress: PostgresImportProgress, databases: Databases) -> None:
        progress.save("shop/lines", b"d", Position(10))
        other = PostgresImportProgress(databases.app)
        assert other.find("shop/lines", b"d") == Position(10)
        other.close()
