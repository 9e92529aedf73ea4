"""Whether who follows a stream may go on: keys are revoked and roles change while it is open."""

from __future__ import annotations

from starlette.types import Scope

from adapters.http.errors import UnauthenticatedError
from adapters.http.parts import Parts
from adapters.http.principal import Principal
from domain.errors import RelatoError


async def is_still(parts: Parts, scope: Scope, caller: Principal) -> bool:
    try:
        return bool(await parts.authenticate(scope) == caller)
    except UnauthenticatedError:
        return False
    except RelatoError:  # it could not be asked now
        return True
