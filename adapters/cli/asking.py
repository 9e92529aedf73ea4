"""Who asks on the command line, and which rows they see."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from adapters.attachments.finding import find_added
from adapters.cli.freshness import freshen
from adapters.cli.installation import Deployment, Installation
from adapters.cli.models import service_named
from adapters.postgres.views import read_page, reading
from domain.access.facts import Held, Rows
from domain.decider import Command, Registration
from domain.errors import UnknownError
from projections.asking import AskedWrongError, Condition, ask
from projections.catalogue import VIEWS
from projections.disclosure import Grant, grant_of
from projections.teams import LARGEST_TEAM, team_of
from projections.view import View
from projections.whose import Sight, narrows, seeing, touched
from projections.whose import require_theirs as require_own

PROFILE = VIEWS["customer_profile"]


class Named(NamedTuple):
    """An Asker."""

    id: str
    team: Sequence[str] = ()


def grant_in(deployment: Deployment) -> Grant:
    return grant_of(Held(deployment.role, deployment.scope))


def asker_in(deployment: Deployment, installation: Installation) -> Named:
    """With the team, where it makes a difference."""
    if grant_in(deployment).rows is not Rows.TEAM:
        return Named(deployment.principal)
    try:
        employee_id = UUID(deployment.principal)
    except ValueError as error:
        raise AskedWrongError("who does not see all rows asks under their own id", parameter="as") from error
    return Named(deployment.principal, team_of(partial(_read, deployment, installation), employee_id))


def require_theirs(deployment: Deployment, installation: Installation, customer_id: UUID) -> None:
    """Who does not see all rows reads of customers that they are the seller of; else UnknownError."""
    grant = grant_in(deployment)
    if grant.rows is Rows.ALL:
        return
    asker = asker_in(deployment, installation)
    asked = ask(PROFILE.view, grant, asker, (), None).conditions
    if not _read(deployment, installation, PROFILE.service, PROFILE.view, asked, customer_id=customer_id):
        raise UnknownError(customer=customer_id)


def require_seen(deployment: Deployment, installation: Installation, sight: Sight, id_: UUID) -> None:
    """As `require_theirs`, of whatever has files or is changed."""
    if sight.grant.rows is not Rows.ALL:
        asker = asker_in(deployment, installation)
        require_own(sight, asker, id_, partial(_read, deployment, installation))


def require_listed(deployment: Deployment, installation: Installation, attachment_id: UUID) -> None:
    """Who could not list a file does not remove it. Raises NotAllowedError, UnknownError."""
    if added := find_added(installation.attachments, attachment_id):
        sight = seeing(frozenset({Held(deployment.role, deployment.scope)}), added.aggregate)
        require_seen(deployment, installation, sight, added.attached_to)


def require_touched(
    deployment: Deployment, installation: Installation, registration: Registration, command: Command, *, is_new: bool
) -> None:
    """Who does not see all rows changes their own. Raises NotAllowedError, UnknownError."""
    roles = frozenset({Held(deployment.role, deployment.scope)})
    if narrows(roles, registration):
        for sight, id_ in touched(roles, registration, command, is_new=is_new):
            require_seen(deployment, installation, sight, id_)


def _read(
    deployment: Deployment,
    installation: Installation,
    service: str,
    view: View,
    conditions: Sequence[Condition],
    *,
    customer_id: UUID | None = None,
) -> Sequence[tuple[Any, ...]]:
    freshen(installation, service_named(deployment, service), None)
    with closing(installation.connect(service)) as db, reading(db, deployment.time_zone):
        return read_page(db, view, conditions, (), after=None, limit=LARGEST_TEAM, customer_id=customer_id)
