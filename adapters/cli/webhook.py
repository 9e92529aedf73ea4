"""`relato webhook`: partners' feeds as webhooks: their endpoints, how deliveries go, and what can be done by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from adapters.cli.fields import make
from adapters.cli.installation import Deployment, Installation, deployment_of
from adapters.cli.listing import rows_of
from adapters.cli.moments import show_time
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import note, print_json, print_line, print_rows, print_table
from adapters.ids import uuid7
from domain.catalogue import REGISTRY
from domain.endpoint.facts import Signing
from domain.errors import UnavailableError, UnknownError
from domain.execute import Context
from streams.webhooks.desk import TAKEN
from streams.webhooks.endpoints import endpoint_in

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Partners' feeds as webhooks, in the form of Standard Webhooks: endpoints, deliveries, secrets.",
)
ENDPOINTS = "endpoints"
COLUMNS = ("partner_name", "url", "delivery", "taken", "behind", "failures", "next_attempt", "why", "endpoint_id")
LOG_COLUMNS = ("at", "kind", "feed_seq", "status", "took_ms", "reason")
WAIT_S, GLANCE_S = 30.0, 0.2  # an attempt may take half of it
Named = Annotated[UUID, typer.Argument(metavar="ENDPOINT", help="Its id.")]
Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="It is kept with the fact.")]
AsJson = Annotated[bool, typer.Option("--json", help="A JSON object on each line.")]


class NotDoneError(UnavailableError):
    """No worker has done it yet: is `relato up` or `relato run webhooks` running? `relato webhook log` will tell."""


@app.command()
def add(
    ctx: typer.Context,
    agreement_id: Annotated[UUID, typer.Argument(metavar="AGREEMENT", help="Whose feed it is sent.")],
    url: Annotated[str, typer.Argument(help="Where to, like https://partner.example/hooks/relato.")],
    *,
    signing: Annotated[Signing, typer.Option(help="ed25519: the partner keeps no secret of ours.")] = Signing.HMAC,
    after: Annotated[int, typer.Option(metavar="N", min=0, help="The last number that the partner has.")] = 0,
) -> None:
    """Deliver an agreement's feed to an address, and print what verifies it: give it to the partner.

    relato webhook add AGREEMENT https://partner.example/hooks/relato
    """
    deployment, endpoint_id = deployment_of(ctx, "operates"), uuid7()
    with deployment.open() as installation:
        given = {"agreement_id": agreement_id, "url": url, "signing": signing, "after": after}
        _give(installation, deployment, "endpoint.add", endpoint_id, **given)
        _show_secret(installation, endpoint_id)
    note(f"endpoint {endpoint_id}")


@app.command("list")
def list_(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """The endpoints, how far each feed has been delivered, and why one is not.

    relato webhook list
    """
    deployment = deployment_of(ctx, "feeds")
    with deployment.open() as installation:
        endpoints = [one for one in rows_of(deployment, installation, ENDPOINTS) if one["state"] != "removed"]
        standings = installation.webhooks.standings([one["endpoint_id"] for one in endpoints])
    rows = [{**one, **_standing(standings.get(one["endpoint_id"]))} for one in endpoints]
    print_rows(COLUMNS, rows, as_json=as_json)


def _standing(found: Any) -> dict[str, Any]:
    if found is None:
        return dict.fromkeys(("taken", "behind", "failures", "next_attempt", "why")) | {"delivery": "not begun"}
    return {"delivery": found.state, "taken": found.taken, "behind": found.behind, "failures": found.failures,
            "next_attempt": found.due if found.sends else None, "why": found.reason}  # fmt: skip


@app.command()
def log(
    ctx: typer.Context,
    endpoint_id: Named,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="So many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The last attempts, the newest first; the log holds a thousand of each endpoint, thirty days at most.

    relato webhook log ENDPOINT
    """
    deployment = deployment_of(ctx, "feeds")
    with deployment.open() as installation:
        if endpoint_id not in {one["endpoint_id"] for one in rows_of(deployment, installation, ENDPOINTS)}:
            raise UnknownError(endpoint=endpoint_id)
        tried = installation.webhooks.log(endpoint_id, limit=limit)
    if as_json:
        for one in tried:
            print_json(one._asdict())
        return
    zone = deployment.time_zone
    rows = [[show_time(one.at, zone), one.kind, one.feed_seq, one.status, one.took_ms, one.reason] for one in tried]
    print_table(LOG_COLUMNS, rows)


@app.command()
def ping(ctx: typer.Context, endpoint_id: Named) -> None:
    """Send a signed message that is no entry of the feed, and say what was answered.

    relato webhook ping ENDPOINT
    """
    _ask(ctx, endpoint_id)


@app.command()
def resend(
    ctx: typer.Context,
    endpoint_id: Named,
    number: Annotated[int, typer.Argument(metavar="FEEDSEQ", min=1, help="The entry's number.")],
) -> None:
    """Send one entry once more, as it may be shown now, under the id it had.

    relato webhook resend ENDPOINT 17
    """
    _ask(ctx, endpoint_id, number, number)


@app.command()
def replay(
    ctx: typer.Context,
    endpoint_id: Named,
    first: Annotated[int, typer.Option("--from", metavar="FEEDSEQ", min=1, help="The first number.")],
    last: Annotated[int, typer.Option("--through", metavar="FEEDSEQ", min=1, help="The last number.")],
) -> None:
    """Send a part of the feed once more, beside what comes new; it ends at the first that is not taken.

    relato webhook replay ENDPOINT --from 1 --through 500
    """
    if last < first:
        raise WrongUseError(["--through: write a number that is not below --from"])
    _ask(ctx, endpoint_id, first, last)


@app.command()
def secret(ctx: typer.Context, endpoint_id: Named) -> None:
    """Print what verifies the messages: the secret, or of ed25519 the public key.

    relato webhook secret ENDPOINT
    """
    with deployment_of(ctx, "operates").open() as installation:
        _show_secret(installation, endpoint_id)


@app.command()
def rotate(
    ctx: typer.Context,
    endpoint_id: Named,
    overlap_hours: Annotated[int, typer.Option(min=0, help="So long messages bear the old one's signature too.")] = 24,
) -> None:
    """Make a new secret, and print what verifies the messages from now on.

    relato webhook rotate ENDPOINT
    """
    deployment = deployment_of(ctx, "operates")
    until = datetime.now(UTC) + timedelta(hours=overlap_hours)
    with deployment.open() as installation:
        _give(installation, deployment, "endpoint.rotate_secret", endpoint_id, replaced_until=until)
        _show_secret(installation, endpoint_id)


@app.command()
def move(
    ctx: typer.Context, endpoint_id: Named, url: Annotated[str, typer.Argument(help="Where to from now on.")]
) -> None:
    """Deliver to another address from now on.

    relato webhook move ENDPOINT https://partner.example/other
    """
    _order(ctx, "endpoint.move", endpoint_id, url=url)


@app.command()
def disable(ctx: typer.Context, endpoint_id: Named, *, reason: Reason = None) -> None:
    """Deliver nothing until it is enabled.

    relato webhook disable ENDPOINT --reason "asked for by the partner"
    """
    _order(ctx, "endpoint.disable", endpoint_id, reason=reason)


@app.command()
def enable(ctx: typer.Context, endpoint_id: Named) -> None:
    """Go on from where it stood, at once.

    relato webhook enable ENDPOINT
    """
    _order(ctx, "endpoint.enable", endpoint_id)


@app.command()
def remove(ctx: typer.Context, endpoint_id: Named, *, reason: Reason = None) -> None:
    """Deliver nothing any more.

    relato webhook remove ENDPOINT
    """
    _order(ctx, "endpoint.remove", endpoint_id, reason=reason)


def _order(ctx: typer.Context, name: str, endpoint_id: UUID, **fields: Any) -> None:
    deployment = deployment_of(ctx, "operates")
    with deployment.open() as installation:
        _give(installation, deployment, name, endpoint_id, **fields)


def _give(installation: Installation, deployment: Deployment, name: str, endpoint_id: UUID, **fields: Any) -> None:
    command = make(REGISTRY.named(name).command, {"endpoint_id": endpoint_id, **fields})
    installation.executor.execute(command, Context(uuid7(), deployment.principal, fresh=True))


def _show_secret(installation: Installation, endpoint_id: UUID) -> None:
    endpoint = endpoint_in(installation.ledger, endpoint_id)
    print_line(installation.webhook_signer.shown(endpoint_id, endpoint))


def _ask(ctx: typer.Context, endpoint_id: UUID, first: int | None = None, last: int | None = None) -> None:
    """The worker does it, and nobody else sends: this waits for what becomes of it."""
    deployment = deployment_of(ctx, "operates")
    with deployment.open() as installation:
        endpoint_in(installation.ledger, endpoint_id)
        errand = installation.webhooks.ask(endpoint_id, deployment.principal, first, last)
        deadline = time.monotonic() + WAIT_S
        while (outcome := installation.webhooks.outcome(errand, endpoint_id)) is None:
            if time.monotonic() > deadline:
                raise NotDoneError
            time.sleep(GLANCE_S)
    print_line(outcome)
    if not outcome.startswith(TAKEN):
        raise typer.Exit(1)
