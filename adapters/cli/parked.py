"""`relato parked`: what could not be folded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated
from uuid import UUID

import typer

from adapters.cli.installation import Deployment, deployment_of
from adapters.cli.models import service_of
from adapters.cli.terminal import print_json, print_line, print_table
from projections.engine.parking import list_parked, retry, retry_all
from projections.engine.readmodel import Service
from projections.engine.schema import prepare

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What could not be folded, with the later facts of the same subject: nothing is skipped, the rest goes on.",
)
MODEL = Annotated[str | None, typer.Argument(help="Only this read model's.")]


@app.command("list")
def list_all(
    ctx: typer.Context,
    read_model: MODEL = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
) -> None:
    """What is parked, and why.

    relato parked list pipeline
    """
    deployment = deployment_of(ctx, "ledger")
    rows: list[dict[str, object]] = []
    with deployment.open() as installation:
        for service in _services(deployment, read_model):
            with closing(installation.connect(service.name)) as db:
                prepare(db, service)
                rows += [{"service": service.name, **fact._asdict()} for fact in list_parked(db, read_model)]
    if as_json:
        for row in rows:
            print_json(row)
        return
    columns = ("service", "model", "subject_id", "partition_seq", "type", "cause", "parked_at")
    print_table(columns, [[row[column] for column in columns] for row in rows])


@app.command("retry")
def try_again(
    ctx: typer.Context,
    read_model: MODEL = None,
    subject: Annotated[UUID | None, typer.Argument(help="Only this subject's facts.")] = None,
) -> None:
    """Fold what is parked again, once its cause is mended; exit status 1 when something stays parked.

    relato parked retry pipeline
    """
    deployment = deployment_of(ctx, "operates")
    retried, left = 0, 0
    with deployment.open() as installation, closing(installation.open_log()) as log:
        for service in _services(deployment, read_model):
            with closing(installation.connect(service.name)) as db:
                prepare(db, service)
                if read_model and subject:
                    found = retry(db, service, log, read_model, subject)
                else:
                    found = retry_all(db, service, log, read_model)
            retried, left = retried + len(found), left + sum(one.left for one in found)
    print_line(f"{retried} subjects tried again, {left} facts still parked")
    if left:
        raise typer.Exit(1)


def _services(deployment: Deployment, read_model: str | None) -> Sequence[Service]:
    return deployment.services if read_model is None else [service_of(deployment, read_model)]
