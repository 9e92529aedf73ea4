"""Who may use a route, found out before anything of the request is looked at."""

from __future__ import annotations

from typing import Any

from fastapi import Depends

from adapters.http.principal import Caller
from projections.disclosure import allowed
from streams.departments import grant_for


def permits(act: str) -> list[Any]:
    """For a route's `dependencies`: raises NotAllowedError unless one of the caller's roles has this act of ACTS."""

    async def check(caller: Caller) -> None:
        allowed(caller.roles, act)

    return [Depends(check)]


def follows(department: str) -> list[Any]:
    """As `permits`: raises NotAllowedError unless the caller may have the department's facts of all customers."""

    async def check(caller: Caller) -> None:
        grant_for(caller.roles, department)

    return [Depends(check)]
