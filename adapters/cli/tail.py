"""`relato tail`: the whole ledger, from a position on, as it grows."""

from __future__ import annotations

import sys
import time
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from adapters.cli.facts import print_running
from adapters.cli.installation import deployment_of

PAGE = 1_000
RECENT = 20
POLL_S = 0.2


def tail(
    ctx: typer.Context,
    from_: Annotated[
        int | None, typer.Option("--from", metavar="POSITION", min=0, help="From there on; else the last few.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="PATTERN", help="Only these, like 'crm.ticket.*'.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
) -> None:
    """The ledger's facts by position.

        relato tail --follow --type 'crm.order.*'

    Departments' and partners' shares of it come with a later release.
    """
    deployment = deployment_of(ctx, "ledger")
    with deployment.open() as installation:
        ledger = installation.ledger
        after = max(0, ledger.last_position() - RECENT) if from_ is None else max(0, from_ - 1)
        while True:
            page = ledger.read(after, PAGE)
            wanted = [event for event in page if type_ is None or fnmatchcase(event.type, type_)]
            print_running(wanted, installation.disclosure, deployment.time_zone, as_json=as_json)
            after = page[-1].position if page else after
            if not page and not follow:
                return
            if not page:
                sys.stdout.flush()
                time.sleep(POLL_S)
