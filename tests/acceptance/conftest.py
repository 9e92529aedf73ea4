"""Installations for the acceptance tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.program import Quick, Relato, made, served


@pytest.fixture(scope="module")
def relato() -> Iterator[Relato]:
    """One installation for a module's tests, whose commands run within theirs; its PostgreSQL runs meanwhile."""
    with made(Quick) as relato, served(relato):
        yield relato


@pytest.fixture
def fresh() -> Iterator[Relato]:
    """An installation for one test, whose commands are programs; nothing runs but what it starts."""
    with made() as relato:
        yield relato


@pytest.fixture
def quick() -> Iterator[Relato]:
    """An installation for one test, whose commands run within the tests' process."""
    with made(Quick) as relato:
        yield relato
