"""`relato tail`: the whole ledger, or what a department follows of it, from a position on, as it grows."""

from __future__ import annotations

import sys
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.facts import print_running
from adapters.cli.installation import Deployment, deployment_of
from domain.access.facts import Held

if TYPE_CHECKING:
    from streams.departments import Department

PAGE = 1_000
RECENT = 20
POLL_S = 0.2


def tail(
    ctx: typer.Context,
    *,
    from_: Annotated[
        int | None, typer.Option("--from", metavar="POSITION", min=0, help="From there on; else the last few.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="PATTERN", help="Only these, like 'crm.ticket.*'.")
    ] = None,
    department: Annotated[
        str | None, typer.Option("--department", metavar="NAME", help="What sales, marketing or support follows of it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
) -> None:
    """The ledger's facts by position.

        relato tail --follow --type 'crm.order.*'
        relato tail --department sales --from 1 --follow

    Partners' shares of it come with a later release.
    """
    deployment = deployment_of(ctx, None if department else "ledger")
    share = _share_for(deployment, department) if department else None
    with deployment.open() as installation:
        ledger = installation.ledger
        after = max(0, ledger.last_position() - RECENT) if from_ is None else max(0, from_ - 1)
        while True:
            page = ledger.read(after, PAGE)
            wanted = [event for event in page if type_ is None or fnmatchcase(event.type, type_)]
            if share:
                wanted = [event for event in wanted if share.follows(event)]
            print_running(
                wanted,
                installation.disclosure,
                deployment.time_zone,
                as_json=as_json,
                share_of=share.share_of if share else None,
            )
            after = page[-1].position if page else after
            if not page and not follow:
                return
            if not page:
                sys.stdout.flush()
                time.sleep(POLL_S)


def _share_for(deployment: Deployment, name: str) -> Department:
    from streams.departments import find_department, grant_for  # noqa: PLC0415 loads every fact

    department = find_department(name)
    grant_for(frozenset({Held(deployment.role, deployment.scope)}), name)
    return department
