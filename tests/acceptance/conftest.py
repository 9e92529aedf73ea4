"""Installations for the acceptance tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.program import Relato, made


@pytest.fixture(scope="module")
def relato() -> Iterator[Relato]:
    """One installation for a module's tests; nothing runs but what they start."""
    with made() as relato:
        yield relato


@pytest.fixture
def fresh() -> Iterator[Relato]:
    """An installation for one test."""
    with made() as relato:
        yield relato
