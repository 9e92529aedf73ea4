"""`relato up`: everything in one terminal."""

from __future__ import annotations

import sys
import threading
from functools import partial
from typing import Annotated

import typer

from adapters.cli.installation import Deployment, deployment_of
from adapters.cli.overview import Overview, look
from adapters.cli.stopping import stopping
from adapters.cli.terminal import print_line
from domain.errors import UnavailableError

TELL_EVERY_S = 5.0


def up(
    ctx: typer.Context,
    kafka: Annotated[
        str | None, typer.Option(metavar="[HOST:PORT]", help="With Kafka: an embedded one, or the one that is there.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Of the API; by default 8000, 0 is any that is free.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="A PostgreSQL that is there already; its owner's address.")
    ] = None,
) -> None:
    """Run everything: PostgreSQL, Kafka if you want it, folds, actors and the API, until Ctrl-C.

    relato up

    relato up --kafka

    relato up --kafka=127.0.0.1:9092 --database postgresql://relato@127.0.0.1/relato
    """
    deployment = deployment_of(ctx, "operates").with_database(database)
    with stopping() as stop:
        watch = threading.Thread(target=_tell_often, args=(deployment, stop), name="status", daemon=True)
        deployment.up(kafka, port, partial(_tell, watch), stop)
    print_line("stopped")


def _tell(watch: threading.Thread, text: str) -> None:
    print_line(text)
    sys.stdout.flush()
    if text.startswith("starting") and not watch.is_alive():
        watch.start()


def _tell_often(deployment: Deployment, stop: threading.Event) -> None:
    """A line when something has changed."""
    told = ""
    with deployment.open() as installation:
        while not stop.wait(TELL_EVERY_S):
            try:
                line = _in_short(look(deployment.services, installation))
            except UnavailableError as error:
                line = str(error)
            if line != told:
                print_line(told := line)
                sys.stdout.flush()


def _in_short(overview: Overview) -> str:
    behind = sum(service.behind for service in overview.services)
    parked = f"{sum(service.parked for service in overview.services)} parked"
    if stopped := sum(len(service.stopped) for service in overview.services):
        parked += f", {stopped} stopped (`relato status` says why)"
    signed = f"signed up to {overview.checkpoint_size}"
    return f"position {overview.position}, read models {behind} behind, {parked}, {signed}"
