"""`relato inbound`: partners' events that were refused, to be looked at, mended, tried again or discarded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import typer

from adapters.cli.fields import read_text
from adapters.cli.installation import Deployment, Installation, deployment_of
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import note, print_json, print_line, print_rows
from domain.errors import RefusedError
from streams.inbound.cloud import read_json
from streams.inbound.holding import reason_of
from streams.inbound.quarantine import Held, State
from streams.inbound.telling import tell_names, tell_whole

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Partners' events that were refused, over HTTP or their topics: look at them, mend them, try them again.",
)
ACT, PAGE = "operates", 1_000
COLUMNS = ("id", "type", "state", "reason", "attempts", "received_at", "event", "agreement_id")
HeldId = Annotated[UUID, typer.Argument(metavar="ID", help="As `relato inbound list` shows it.")]
HeldIds = Annotated[
    list[UUID], typer.Argument(metavar="ID …", help="One or several, as `relato inbound list` shows them.")
]


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    agreement: Annotated[UUID | None, typer.Option(metavar="ID", help="Only those of this agreement.")] = None,
    state: Annotated[State, typer.Option(help="Those that are held; or what became of others.")] = State.HELD,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
) -> None:
    """Those that are held, the first one first, with what was wrong the last time.

    relato inbound list
    """
    with _opened(ctx) as (_, installation):
        for rows in _pages(installation, agreement, state):
            print_rows(COLUMNS, rows, as_json=as_json)


@app.command()
def show(ctx: typer.Context, held_id: HeldId) -> None:
    """All of one event, in JSON. That you read it is noted.

    relato inbound show ID
    """
    with _opened(ctx) as (_, installation):
        print_json(tell_whole(installation.mending.find(held_id), installation.disclosure.open_within))


@app.command()
def mend(
    ctx: typer.Context,
    held_id: HeldId,
    *,
    data: Annotated[str | None, typer.Option(metavar="JSON", help="Other data for it; @FILE reads them.")] = None,
    event: Annotated[str | None, typer.Option(metavar="JSON", help="All of the event anew; @FILE reads it.")] = None,
) -> None:
    """Hold other data in its place; `relato inbound replay` tries it then.

    relato inbound mend ID --data '{"product_id": "…", "level": "low"}'
    """
    if (data is None) is (event is None):
        raise WrongUseError(["give --data, or all of the --event"])
    given = {"data": _object("--data", data), "event": _object("--event", event)}
    with _opened(ctx) as (deployment, installation):
        installation.mending.mend(held_id, deployment.principal, **given)
    print_line(f"mended; `relato inbound replay {held_id}` tries it")


@app.command()
def replay(ctx: typer.Context, held_ids: HeldIds) -> None:
    """Try them again, as if the partner had sent them again; exit status 1 when one is refused again.

    relato inbound replay ID
    """
    with _opened(ctx) as (deployment, installation):

        def try_again(held_id: UUID) -> str:
            verdict = installation.mending.replay(held_id, deployment.principal)
            if verdict.error is not None:
                raise verdict.error
            return verdict.kind.value

        _do_each(held_ids, try_again)


@app.command()
def discard(ctx: typer.Context, held_ids: HeldIds) -> None:
    """Hold them no more. The partner sees that they were discarded.

    relato inbound discard ID
    """
    with _opened(ctx) as (deployment, installation):

        def let_go(held_id: UUID) -> str:
            installation.mending.discard(held_id, deployment.principal)
            return "discarded"

        _do_each(held_ids, let_go)


def _do_each(held_ids: Sequence[UUID], act: Callable[[UUID], str]) -> None:
    """What cannot be done with one keeps it from no other; of several each is named."""
    refused = 0
    for held_id in held_ids:
        name = f"{held_id} " if len(held_ids) > 1 else ""
        try:
            print_line(f"{name}{act(held_id)}")
        except RefusedError as error:
            note(f"{name}{reason_of(error)}")
            refused += 1
    if refused:
        raise typer.Exit(1)


@contextmanager
def _opened(ctx: typer.Context) -> Iterator[tuple[Deployment, Installation]]:
    deployment = deployment_of(ctx, ACT)
    with deployment.open() as installation:
        yield deployment, installation


def _pages(installation: Installation, agreement: UUID | None, state: State) -> Iterator[list[Mapping[str, Any]]]:
    after = 0
    while held := _read(installation, agreement, state, after):
        yield list(tell_names(held, installation.disclosure.open_within))
        after = held[-1].seq


def _read(installation: Installation, agreement: UUID | None, state: State, after: int) -> list[Held]:
    return list(installation.quarantine.read(agreement, state, after=after, limit=PAGE))


def _object(option: str, typed: str | None) -> Mapping[str, Any] | None:
    if typed is None:
        return None
    try:
        found = read_json(read_text(option, typed).encode())
    except ValueError as error:
        raise WrongUseError([f"{option}: this is no JSON ({error})"]) from error
    if not isinstance(found, dict):
        raise WrongUseError([f"{option}: write a JSON object"])
    return found
