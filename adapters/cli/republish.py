"""`relato republish`: a topic emptied and filled again from the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.installation import deployment_of
from adapters.cli.terminal import print_line


def republish(
    ctx: typer.Context, topics: Annotated[list[str], typer.Argument(help="For instance crm.events.v1 crm.sales.v1.")]
) -> None:
    """Empty topics; the relay that runs, or the next one, publishes everything again from the first fact on.

    relato republish crm.events.v1
    """
    deployment = deployment_of(ctx, "operates")
    for topic in topics:
        deployment.republish(topic)
        print_line(f"{topic} is empty; the relay fills it from the ledger")
