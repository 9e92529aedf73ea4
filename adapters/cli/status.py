"""`relato status`: position, lag, parked facts, relay, checkpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from adapters.cli.installation import deployment_of
from adapters.cli.overview import Overview, look
from adapters.cli.terminal import print_line, print_table


def status(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False
) -> None:
    """How far every part has come: the ledger, each service's read models, the relay, the checkpoint.

    relato status --json
    """
    deployment = deployment_of(ctx)
    with deployment.open() as installation:
        overview = look(deployment.services, installation)
    if as_json:
        print_line(overview.model_dump_json())
    else:
        _print(overview)


def _print(overview: Overview) -> None:
    print_line(f"ledger      position {overview.position}")
    relay = "never ran" if overview.relay is None else f"position {overview.relay}, {overview.relay_behind} behind"
    print_line(f"relay       {relay}")
    print_line(f"checkpoint  {_describe_checkpoint(overview)}")
    print_line(f"eraser      {'nothing to do yet' if overview.eraser is None else f'position {overview.eraser}'}")
    rows = [[s.service, s.workers, s.behind, s.parked, len(s.stopped)] for s in overview.services]
    print_table(["service", "workers", "facts behind", "parked", "stopped"], rows)
    for service in overview.services:
        for stopped in service.stopped:
            since = stopped.since.isoformat(timespec="seconds")
            print_line(f"{service.service}.{stopped.read_model} stopped since {since}: {stopped.reason}")


def _describe_checkpoint(overview: Overview) -> str:
    if overview.checkpoint_at is None:
        return "none yet; `relato audit checkpoint` signs one, and `relato up` every second"
    age = int((datetime.now(UTC) - overview.checkpoint_at).total_seconds())
    return f"covers {overview.checkpoint_size}, {overview.uncovered} since; signed {age} s ago"
