"""`relato run`: one part alone, as a container or `relato up` runs it."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.installation import deployment_of
from adapters.cli.refusals import WrongUseError
from adapters.cli.stopping import stopping

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Run one part until Ctrl-C or SIGTERM. Any number may run of each: they share the work, or wait.",
)


@app.command()
def relay(
    ctx: typer.Context,
    topic: Annotated[
        list[str] | None, typer.Option(help="Only this one, like crm.sales.v1; may be repeated. Else all.")
    ] = None,
) -> None:
    """Publish the ledger to Kafka, and the departments' shares of it; of several relays one works, the others wait.

    RELATO_KAFKA=127.0.0.1:9092 relato run relay
    """
    deployment = deployment_of(ctx, "operates")
    with stopping() as stop:
        deployment.run_relay(topic or (), stop)


@app.command("partner-topics")
def partner_topics(ctx: typer.Context) -> None:
    """Send each partner's feed to its topic; of several that run this, one works at each topic, the others wait.

    RELATO_KAFKA=127.0.0.1:9092 relato run partner-topics
    """
    deployment = deployment_of(ctx, "operates")
    with stopping() as stop:
        deployment.run_partner_topics(stop)


@app.command()
def folds(
    ctx: typer.Context,
    service: Annotated[list[str] | None, typer.Option(help="Only this one's read models; may be repeated.")] = None,
) -> None:
    """Keep the read models up to date, from Kafka where it is in use, else from the ledger.

    relato run folds --service sales
    """
    deployment = deployment_of(ctx, "operates")
    known = [known.name for known in deployment.services]
    if unknown := [name for name in service or () if name not in known]:
        raise WrongUseError([f"--service: {unknown[0]} is no service; there are {', '.join(known)}"])
    with stopping() as stop:
        deployment.run_folds(service or (), stop)


@app.command()
def api(
    ctx: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="By default 8000, or RELATO_PORT; 0 is any that is free.")
    ] = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="By default 127.0.0.1, or RELATO_HOST.")] = None,
) -> None:
    """Serve commands and read models over HTTP; /docs shows them all. `relato key issue` makes a key to come in with.

    relato run api --port 8000
    """
    deployment = deployment_of(ctx, "operates")
    with stopping() as stop:
        deployment.run_api(host, port, stop)


@app.command()
def streams(
    ctx: typer.Context,
    *,
    worker: Annotated[bool, typer.Option("--worker", hidden=True, help="The one that is watched.")] = False,
) -> None:
    """Keep the live windows and raise alerts; needs Kafka. Of several one works, watched, the others wait.

    RELATO_KAFKA=127.0.0.1:9092 relato run streams
    """
    deployment = deployment_of(ctx, "operates")
    with stopping() as stop:
        deployment.run_streams(stop, worker=worker)


@app.command()
def webhooks(ctx: typer.Context) -> None:
    """Deliver partners' feeds to their endpoints; of several that run this one works, the others wait.

    relato run webhooks
    """
    deployment = deployment_of(ctx, "operates")
    with stopping() as stop:
        deployment.run_webhooks(stop)


@app.command()
def inbound(ctx: typer.Context) -> None:
    """Take what partners write to their inbound topics; needs Kafka. Of several one works, the others wait.

    RELATO_KAFKA=127.0.0.1:9092 relato run inbound
    """
    deployment = deployment_of(ctx, "operates")
    with stopping() as stop:
        deployment.run_inbound(stop)


@app.command()
def actors(ctx: typer.Context) -> None:
    """Carry out erasures, fill partners' feeds and close those that have ended, sign a checkpoint every second.

    relato run actors
    """
    deployment = deployment_of(ctx, "operates")
    with stopping() as stop:
        deployment.run_actors(stop)
