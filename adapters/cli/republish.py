"""`relato republish`: a topic emptied and filled again from the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.installation import deployment_of
from adapters.cli.terminal import print_line


def republish(ctx: typer.Context, topic: Annotated[str, typer.Argument(help="For instance crm.events.v1.")]) -> None:
    """Empty a topic; the relay that runs, or the next one, publishes everything again from the first fact on.

    relato republish crm.events.v1
    """
    deployment_of(ctx, "operates").republish(topic)
    print_line(f"{topic} is empty; the relay fills it from the ledger")
