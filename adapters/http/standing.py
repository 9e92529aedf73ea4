"""Whether who follows a stream, or sends a file, may go on: keys are revoked and roles change meanwhile."""

from __future__ import annotations

from starlette.types import Scope

from adapters.http.errors import UnauthenticatedError
from adapters.http.parts import Parts
from adapters.http.principal import Principal
from domain.errors import RelatoError
from projections.disclosure import NotAllowedError


async def require_still(parts: Parts, scope: Scope, caller: Principal) -> None:
    """Raises NotAllowedError."""
    if not await is_still(parts, scope, caller):
        raise NotAllowedError("your key or your roles have changed meanwhile; nothing was done")


async def is_still(parts: Parts, scope: Scope, caller: Principal) -> bool:
    try:
        return bool(await parts.authenticate(scope) == caller)
    except UnauthenticatedError:
        return False
    except RelatoError:  # it could not be asked now
        return True
