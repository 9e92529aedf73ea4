"""`relato key`: who may use the API, and the master key. An API key is printed once; only its hash is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from adapters.access.api_key import ApiKey, new_key, parse_key
from adapters.cli.fields import make
from adapters.cli.installation import Deployment, Installation, deployment_of
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import note, print_line
from adapters.ids import uuid7
from domain.access.facts import Role, Rows
from domain.catalogue import REGISTRY
from domain.decider import Command
from domain.errors import RefusedError
from domain.execute import Context
from streams.feeds.parties import require_partner

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Make keys for the API, and another master key."
    " `relato do access.grant_role` and `access.revoke_role` change roles.",
)
Days = Annotated[int | None, typer.Option(min=1, help="It opens so many days; without, until it is revoked.")]


@app.command()
def issue(
    ctx: typer.Context,
    *,
    role: Annotated[list[Role] | None, typer.Option(help="What they may do; may be repeated.")] = None,
    scope: Annotated[Rows, typer.Option(help="Whose rows they see.")] = Rows.ALL,
    access: Annotated[UUID | None, typer.Option(metavar="ID", help="Who has access already; else it is new.")] = None,
    acts_as: Annotated[
        UUID | None, typer.Option(metavar="ID", help="The employee or partner that they are; a partner needs it.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    days: Days = None,
) -> None:
    """Make a key and print it, once. On stderr the id of the access, to grant roles to and to rotate its keys.

    relato key issue --role administrator

    relato key issue --role sales --scope team --acts-as EMPLOYEE

    relato key issue --role partner --acts-as PARTNER --days 90
    """
    if access is None and not role:
        raise WrongUseError(["--role: is needed, unless --access says who has access already"])
    if Role.PARTNER in (role or ()) and acts_as is None:
        raise WrongUseError(["--acts-as: say which partner it is, by id"])
    deployment = deployment_of(ctx, "operates")
    key = new_key(access or uuid7())
    orders: list[tuple[str, Mapping[str, Any]]] = []
    if access is None:
        orders.append(("access.admit", {"acts_as": acts_as, "label": label}))
    orders += [("access.grant_role", {"role": granted, "scope": scope}) for granted in role or ()]
    orders.append(("access.issue_key", {"hash": key.hash, "expires_at": _expiry(days)}))
    with deployment.open() as installation:
        if Role.PARTNER in (role or ()) and acts_as is not None:
            require_partner(installation.ledger, acts_as)
        _give(installation, deployment, key, orders)
    _tell(key)


@app.command()
def rotate(
    ctx: typer.Context,
    replaces: Annotated[str, typer.Argument(metavar="KEY", help="The key to be replaced, or - to read it.")],
    overlap_hours: Annotated[int, typer.Option(min=0, help="So long the old one opens still.")] = 24,
    days: Days = None,
) -> None:
    """Make a key in the place of another, and print it.

    relato key rotate - < old.key > new.key
    """
    deployment, old = deployment_of(ctx, "operates"), _read(replaces)
    key = new_key(old.access_id)
    until = datetime.now(UTC) + timedelta(hours=overlap_hours)
    given = {"hash": key.hash, "replaces": old.hash, "replaced_until": until, "expires_at": _expiry(days)}
    with deployment.open() as installation:
        _give(installation, deployment, key, [("access.rotate_key", given)])
    _tell(key)


@app.command()
def revoke(
    ctx: typer.Context, key: Annotated[str, typer.Argument(metavar="KEY", help="The key, or - to read it.")]
) -> None:
    """A key opens no more, a second from now.

    relato key revoke - < lost.key
    """
    deployment, lost = deployment_of(ctx, "operates"), _read(key)
    with deployment.open() as installation:
        _give(installation, deployment, lost, [("access.revoke_key", {"hash": lost.hash})])


@app.command("rotate-master")
def rotate_master(
    ctx: typer.Context,
    *,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only put the new key into the file, to copy it to other machines first.")
    ] = False,
) -> None:
    """Make a new master key, and wrap all keys by it anew. Everything may go on meanwhile; when it is interrupted, give
    it again.

    The new key stands in the master key's file from the beginning, the old one until all is done; then the old one is
    kept beside it, for the backups made before: take it to where you keep them, and delete it with the last of them.
    Whoever runs reads the file again by itself. Where RELATO_MASTER_KEY has the key, put the new one before the old
    one, start everything again, give this, and take the old one out.

        relato key rotate-master
    """
    done = deployment_of(ctx, "operates").rotate_master(prepare=prepare)
    if prepare:
        note("the master key's file has a new key: copy it to every machine, then give this without --prepare")
        return
    print_line(f"{done.rewrapped} keys are wrapped by the new master key")
    for file in done.retired:
        note(f"backups made before now need the old one: {file}")


def _read(typed: str) -> ApiKey:
    """A key on the command line stays in the shell's history."""
    text = typer.get_text_stream("stdin").readline() if typed == "-" else typed
    if (key := parse_key(text.strip())) is None:
        raise WrongUseError(["KEY: this is no key; one looks like rel_…_…"])
    return key


def _expiry(days: int | None) -> datetime | None:
    return datetime.now(UTC) + timedelta(days=days) if days else None


def _give(
    installation: Installation, deployment: Deployment, key: ApiKey, orders: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    """All of them at once, or none."""
    batch = [(_command(name, key, fields), Context(uuid7(), deployment.principal)) for name, fields in orders]
    for verdict in installation.executor.execute_all(batch):
        if isinstance(verdict, RefusedError):
            raise verdict


def _command(name: str, key: ApiKey, fields: Mapping[str, Any]) -> Command:
    return make(REGISTRY.named(name).command, {"access_id": key.access_id, **fields})


def _tell(key: ApiKey) -> None:
    print_line(key.text)
    note(f"access {key.access_id}; keep the key, it is not shown again")
