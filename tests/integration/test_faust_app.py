"""The Faust application leaves nothing behind where it is started."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from adapters.faust.app import make_app


def test_it_makes_no_directories_where_it_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def start() -> None:
        await make_app("127.0.0.1:1", "relato-windows-tests", {}).on_first_start()

    asyncio.run(start())
    assert list(tmp_path.iterdir()) == []
