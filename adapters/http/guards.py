"""What some commands demand of who gives them beside the act: that they see what they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from adapters.attachments.finding import find_added
from adapters.http.parts import Parts
from adapters.http.principal import Principal
from domain.attachment.commands import RemoveAttachment
from domain.decider import Command
from domain.errors import UnknownError
from projections.attachments import require_theirs, seeing


def _require_listed(parts: Parts, caller: Principal, command: RemoveAttachment) -> None:
    """Who could not list the file does not remove it."""
    if (added := find_added(parts.attachments, command.attachment_id)) is None:
        return  # the rules say so
    sight = seeing(caller.roles, added.aggregate)
    try:
        require_theirs(sight, caller, added.attached_to, partial(parts.pages.read, limit=1))
    except UnknownError as error:
        raise UnknownError(attachment=command.attachment_id) from error  # not what it belongs to


GUARDS: Mapping[type[Command], Callable[[Parts, Principal, Any], None]] = {RemoveAttachment: _require_listed}
"""Each blocks, before its command is given; raises NotAllowedError, UnknownError, UnavailableError."""
