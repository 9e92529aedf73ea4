"""What many ask for is found out once, and who leaves takes it from nobody."""

from __future__ import annotations

import asyncio

import pytest

from adapters.http.sharing import Shared
from domain.errors import UnavailableError


class Database:
    """Answers how often it was asked, once it is let."""

    def __init__(self) -> None:
        self.asked, self.may_answer, self.is_away = 0, asyncio.Event(), False

    async def find(self) -> int:
        self.asked += 1
        await self.may_answer.wait()
        if self.is_away:
            raise UnavailableError
        return self.asked


def test_it_is_asked_once_for_all_who_want_to_know_though_one_leaves() -> None:
    async def ask() -> list[int]:
        database = Database()
        shared = Shared(database.find, 60)
        first, *others = [asyncio.ensure_future(shared.get()) for _ in range(20)]
        await asyncio.sleep(0)
        first.cancel()
        database.may_answer.set()
        return [*await asyncio.gather(*others), await shared.get()]

    assert asyncio.run(ask()) == [1] * 20


def test_what_is_old_is_asked_again_and_a_failure_is_told_to_all() -> None:
    async def ask() -> tuple[int, int]:
        database = Database()
        shared = Shared(database.find, 0)
        database.may_answer.set()
        first = await shared.get()
        database.is_away = True
        with pytest.raises(UnavailableError):
            await shared.get()
        database.is_away = False
        return first, await shared.get()

    assert asyncio.run(ask()) == (1, 3)
