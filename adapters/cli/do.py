"""`relato do`: any registered command, its options made from its fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import typer
import typer.core
import typer.main

from adapters.cli.asking import require_listed, require_touched
from adapters.cli.fields import Field, fields_of, make, option_of, read_value
from adapters.cli.installation import Deployment, Installation, deployment_of
from adapters.cli.moments import parse_time
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import print_json, print_line, print_table
from adapters.giving import command_id_of, made_ids, make_ids
from adapters.ids import uuid7
from domain.attachment.commands import RemoveAttachment
from domain.catalogue import REGISTRY
from domain.customer.commands import ErasePerson
from domain.decider import Command, Registration
from domain.employee.commands import EraseEmployee
from domain.errors import UnknownError
from domain.event import Event
from domain.execute import Context, Outcome
from projections.disclosure import act_of

HELP = """Give a command: anything that can be recorded.

Values may be read from a file with @FILE, and from the input with @-. An id that is left out is made and printed.

    relato do customer.register --name "Ana Souza" --country PT

    relato do order.place --customer-id ID --number 17 --currency EUR --lines '[{"product_id": "…", "quantity": 2,
    "amount_minor": 1999}]'

    relato do --list"""

KEY = Annotated[str | None, typer.Option("--id", metavar="KEY", help="Makes it happen once: repeat it with the same.")]
AT = Annotated[
    str | None,
    typer.Option("--occurred-at", metavar="TIME", help="When it was true, with its offset; now unless given."),
]
VERSION = Annotated[
    int | None, typer.Option("--expected-version", metavar="N", min=0, help="Refuse if the stream has moved on.")
]
AS_JSON = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
RESERVED = {"key": KEY, "occurred_at_": AT, "expected_version_": VERSION, "as_json": AS_JSON}


class Registered(typer.core.TyperGroup):
    """The registry's commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return sorted(registration.command.NAME for registration in REGISTRY)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        found = next((r for r in REGISTRY if cmd_name == r.command.NAME), None)
        return found and _command(found)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.commands = {name: typer.core.TyperCommand(name) for name in self.list_commands(ctx)}  # to suggest one
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=Registered, help=HELP, add_completion=False)


@app.callback(invoke_without_command=True)
def choose(
    ctx: typer.Context, list_: Annotated[bool, typer.Option("--list", help="Name all commands.")] = False
) -> None:
    if list_:
        names = sorted(REGISTRY, key=lambda registration: registration.command.NAME)
        print_table(["command", "what it does"], [[r.command.NAME, _first_line(r.command)] for r in names])
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        raise WrongUseError(["name a command; `relato do --list` names them all"])


def _first_line(command: type[Command]) -> str:
    return inspect.cleandoc(command.__doc__ or "").partition("\n")[0]


def _command(registration: Registration) -> Any:
    """Typer reads a function's signature, so it is given one."""
    fields = fields_of(registration.command)
    give: Callable[..., None] = partial(_give, registration=registration, fields=fields)
    annotations: dict[str, Any] = {"ctx": typer.Context}
    annotations |= {field.name: _annotation(field, registration) for field in fields} | RESERVED
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults: dict[str, Any] = {"ctx": inspect.Parameter.empty, "as_json": False}

    def run(**given: Any) -> None:
        give(given)

    run.__annotations__ = annotations
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # misc: any function may have one
        [inspect.Parameter(n, kind, annotation=a, default=defaults.get(n)) for n, a in annotations.items()]
    )
    single = typer.Typer(add_completion=False)
    example = f"\n\n    relato do {registration.command.NAME} {option_of(registration.targets[0].field)} ID …"
    single.command(registration.command.NAME, help=inspect.cleandoc(registration.command.__doc__ or "") + example)(run)
    return typer.main.get_command(single)


def _annotation(field: Field, registration: Registration) -> Any:
    is_made = field.name in made_ids(registration.command, registration.targets[0].field)
    told = field.help.replace("needed", "made when left out, where it is new") if is_made else field.help
    kind = list[str] | None if field.is_list else str | None
    return Annotated[kind, typer.Option(field.option, metavar=field.metavar, help=told)]


def _give(given: dict[str, Any], registration: Registration, fields: Sequence[Field]) -> None:
    deployment = deployment_of(given["ctx"], act_of(registration.command.NAME))
    values = {field.name: read_value(field, typed) for field in fields if (typed := given[field.name])}
    occurred_at = parse_time("--occurred-at", given["occurred_at_"])
    with deployment.open() as installation:
        ids = _make_ids(installation, deployment, registration, values, given["key"])
        command = make(registration.command, values | ids)
        context = _context(installation, deployment, given["key"], occurred_at, given["expected_version_"])
        if isinstance(command, RemoveAttachment):
            require_listed(deployment, installation, command.attachment_id)
        else:
            is_new = registration.targets[0].field in ids
            require_touched(deployment, installation, registration, command, is_new=is_new)
        try:
            outcome = installation.executor.execute(command, context)
        except UnknownError as error:
            raise _ask_for_id(error, ids) from error
        if isinstance(command, ErasePerson | EraseEmployee):
            installation.eraser.run_once()
        events = _events(installation, outcome)
    (_print_json if given["as_json"] else _print)(command, ids, outcome, events)


def _make_ids(
    installation: Installation,
    deployment: Deployment,
    registration: Registration,
    values: Mapping[str, Any],
    key: str | None,
) -> dict[str, UUID]:
    missing = [n for n in made_ids(registration.command, registration.targets[0].field) if n not in values]
    return make_ids(installation.vault, deployment.principal, key, missing)


def _context(
    installation: Installation,
    deployment: Deployment,
    key: str | None,
    occurred_at: datetime | None,
    expected_version: int | None,
) -> Context:
    return Context(
        command_id_of(installation.vault, deployment.principal, key) if key else uuid7(),
        deployment.principal,
        occurred_at=occurred_at,
        expected_version=expected_version,
        fresh=key is None,
    )


def _ask_for_id(error: UnknownError, ids: Mapping[str, UUID]) -> Exception:
    """An id that was just made is unknown: it is needed here."""
    named = [option_of(name) for name, made in ids.items() if made in error.details.values()]
    return WrongUseError([f"{option}: is needed" for option in named]) if named else error


def _events(installation: Installation, outcome: Outcome) -> Sequence[Event]:
    return [installation.ledger.read(place.position - 1, 1)[0] for place in outcome.places]


def _print(command: Command, ids: Mapping[str, UUID], outcome: Outcome, events: Sequence[Event]) -> None:
    for name, made in ids.items():
        print_line(f"{name.replace('_', ' ')} {made}")
    for event in events:
        repeated = " (done before)" if outcome.repeated else ""
        print_line(f"{event.type} at position {event.position}, version {event.stream_version}{repeated}")
    if not events:
        print_line(f"{command.NAME}: nothing had to change")
    else:
        print_line(f"token {outcome.token}")


def _print_json(command: Command, ids: Mapping[str, UUID], outcome: Outcome, events: Sequence[Event]) -> None:
    told = {
        "command": command.NAME,
        "command_id": outcome.command_id,
        "ids": dict(ids),
        "repeated": outcome.repeated,
        "version": outcome.version,
        "token": outcome.token,
        "facts": [{"position": e.position, "type": e.type, "stream_id": e.stream_id, "version": e.stream_version}
                  for e in events],
    }  # fmt: skip
    print_json(told)
