"""Who asks: one interface, whatever they show to prove it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import NamedTuple

from starlette.requests import Request
from starlette.types import Scope

from domain.access.facts import Role


class Rows(StrEnum):
    """Which rows somebody sees of what their roles see."""

    OWN = "own"
    TEAM = "team"
    ALL = "all"


class Principal(NamedTuple):
    """`id` is what facts bear as their actor."""

    id: str
    roles: frozenset[Role]
    scope: Rows = Rows.ALL


Authenticate = Callable[[Scope], Awaitable[Principal]]
"""By what the request's ASGI scope holds: its headers are pairs of bytes, their names in lower case.

Raises UnauthenticatedError, and UnavailableError where what it asks is away.
"""


async def principal_of(request: Request) -> Principal:
    """The dependency of every route that is not open to all."""
    principal: Principal = await request.app.state.authenticate(request.scope)
    return principal
