"""Who asks: one interface, whatever they show to prove it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, NamedTuple

from fastapi import Depends
from starlette.requests import Request
from starlette.types import Scope

from domain.access.facts import Held


class Principal(NamedTuple):
    """`id` is what facts bear as their actor; `team` are the ids of those whose rows the scope team sees.

    `is_leaving`: a partner that was removed, which has its feeds to wind down and may nothing else.
    """

    id: str
    roles: frozenset[Held]
    team: tuple[str, ...] = ()
    is_leaving: bool = False


Authenticate = Callable[[Scope], Awaitable[Principal]]
"""By what the request's ASGI scope holds: its headers are pairs of bytes, their names in lower case.

Raises UnauthenticatedError, and UnavailableError where what it asks is away.
"""


async def principal_of(request: Request) -> Principal:
    """The dependency of every route that is not open to all."""
    principal: Principal = await request.app.state.authenticate(request.scope)
    return principal


Caller = Annotated[Principal, Depends(principal_of)]
