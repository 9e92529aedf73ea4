"""What is demanded of who gives a command beside the act: that they see what they change."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from adapters.attachments.finding import find_added
from adapters.http.parts import Parts
from adapters.http.principal import Principal
from domain.attachment.commands import RemoveAttachment
from domain.decider import Command, Registration
from domain.errors import UnknownError
from projections.whose import Sight, narrows, require_theirs, seeing, seeing_addressed, touched

LOOK_AGAIN_S = 0.02

Guard = Callable[[Parts, Principal, Any], None]
"""Blocks, before its command is given; raises NotAllowedError, UnknownError, UnavailableError."""


def guard_of(registration: Registration, caller: Principal, *, is_new: bool) -> Guard | None:
    """None where the roles say enough. `is_new`: the addressed id was made for this command. Raises NotAllowedError."""
    if registration.command is RemoveAttachment:
        return _require_listed
    if not narrows(caller.roles, registration):
        return None
    if not is_new:
        seeing_addressed(caller.roles, registration)
    return partial(_require_touched, registration=registration, is_new=is_new)


def _require_listed(parts: Parts, caller: Principal, command: RemoveAttachment) -> None:
    """Who could not list the file does not remove it."""
    if (added := find_added(parts.attachments, command.attachment_id)) is None:
        return  # the rules say so
    sight = seeing(caller.roles, added.aggregate)
    try:
        require_theirs(sight, caller, added.attached_to, partial(parts.pages.read, limit=1))
    except UnknownError as error:
        raise UnknownError(attachment=command.attachment_id) from error  # not what it belongs to


def _require_touched(
    parts: Parts, caller: Principal, command: Command, *, registration: Registration, is_new: bool
) -> None:
    """Who does not see all rows changes their own."""
    for sight, id_ in touched(caller.roles, registration, command, is_new=is_new):
        _require_theirs(parts, caller, sight, id_)


def _require_theirs(parts: Parts, caller: Principal, sight: Sight, id_: UUID) -> None:
    """What was made theirs a moment ago may not be folded yet: it is looked for until all that there is now is."""
    deadline = time.monotonic() + parts.limits.fold_s
    heads = parts.log.partition_heads()
    while True:
        is_last = time.monotonic() > deadline or not parts.pages.count_behind(sight.service, heads)
        try:
            return require_theirs(sight, caller, id_, partial(parts.pages.read, limit=1))
        except UnknownError:
            if is_last:
                raise
        time.sleep(LOOK_AGAIN_S)
