"""The command line's root: what holds for every command, and each command loaded when it is given."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
import typer.core
import typer.main

from adapters.cli.options import Asked, Open
from adapters.cli.refusals import INTERRUPTED, refuse

HELP = """An event-sourced, collaborative CRM backbone: every interaction, sale, contract change and ticket is kept as
an immutable event, and folded into read models for sales, marketing, support, partners and auditors.

Begin with `relato demo`, or with `relato up` in one terminal and `relato do --list` in another."""

WORK, AUDIT, OPERATE = "Work", "Audit", "Operate"


class Place(NamedTuple):
    """Where a command is defined, and what the help says of it, without loading it."""

    module: str
    name: str
    panel: str
    help: str


COMMANDS = {
    "demo": Place("demo", "demo", WORK, "A company's year in a minute: what each audience sees, then the audit."),
    "do": Place("do", "app", WORK, "Give a command: anything that can be recorded."),
    "attachment": Place("attachment", "app", WORK, "Files that belong to a customer, a ticket, a contract …"),
    "show": Place("show", "show", WORK, "Show a read model, or list them all."),
    "search": Place("search", "search", WORK, "Find customers, contacts, interactions and tickets by what they say."),
    "history": Place("history", "history", WORK, "A customer's facts over all aggregates, as of any time."),
    "import": Place("importing", "import_file", WORK, "Import a file of another system."),
    "simulate": Place("demo", "simulate", WORK, "Make customers and events by the thousand."),
    "feed": Place("feed", "app", WORK, "What partners are told: their feeds, and a preview of one."),
    "webhook": Place("webhook", "app", WORK, "Partners' feeds as webhooks: add endpoints, ping, resend, look."),
    "inbound": Place("inbound", "app", WORK, "Partners' events that were refused: look, mend, try again."),
    "tail": Place("tail", "tail", AUDIT, "The ledger's facts as they come."),
    "audit": Place("audit", "app", AUDIT, "Verify, sign and export what the ledger holds."),
    "up": Place("up", "up", OPERATE, "Run everything in one terminal."),
    "run": Place("running", "app", OPERATE, "Run one part: relay, folds, actors or api."),
    "status": Place("status", "status", OPERATE, "How far every part has come."),
    "doctor": Place("doctor", "doctor", OPERATE, "Check what Relato runs on, and say what to do."),
    "rebuild": Place("rebuild", "rebuild_model", OPERATE, "Fold a read model again beside the live one, and switch."),
    "parked": Place("parked", "app", OPERATE, "What could not be folded: list it, try it again."),
    "republish": Place("republish", "republish", OPERATE, "Empty a topic and publish it again from the ledger."),
    "partner": Place("partner", "app", OPERATE, "Partners' Kafka topics: add one with its user, list, remove."),
    "key": Place("key", "app", OPERATE, "Who may use the API: keys and roles."),
    "backup": Place("backup", "backup", OPERATE, "Write the ledger and the keys to a directory."),
    "restore": Place("backup", "restore", OPERATE, "Restore a backup; who was erased stays erased."),
}


class Root(typer.core.TyperGroup):
    """Names the commands without loading them: help is there at once."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if (place := COMMANDS.get(cmd_name)) is None:
            return None
        if ctx.meta.get("relato.loads"):
            return _load(cmd_name, place)
        return typer.core.TyperCommand(cmd_name, help=place.help, rich_help_panel=place.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        ctx.meta["relato.loads"] = True
        self.commands = {name: typer.core.TyperCommand(name) for name in COMMANDS}  # to suggest one
        return super().resolve_command(ctx, args)


def _load(name: str, place: Place) -> Any:
    found = getattr(import_module(f"adapters.cli.{place.module}"), place.name)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(add_completion=False)
        found.command(name)(function)
    command = typer.main.get_command(found)
    command.name = name
    return command


def make_app(open_installation: Open) -> typer.Typer:
    """`open_installation` opens what the options ask for, once a command needs it."""
    app = typer.Typer(
        cls=Root, help=HELP, add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}
    )

    @app.callback(invoke_without_command=True)
    def relato(
        ctx: typer.Context,
        *,
        home: Annotated[Path | None, typer.Option(help="Where everything is kept, by default ./.relato.")] = None,
        database: Annotated[str | None, typer.Option(metavar="URL", help="A PostgreSQL that is there already.")] = None,
        principal: Annotated[str | None, typer.Option("--as", metavar="PRINCIPAL", help="Who asks.")] = None,
        role: Annotated[str | None, typer.Option(metavar="ROLE", help="In which capacity.")] = None,
        scope: Annotated[
            str | None, typer.Option(metavar="SCOPE", help="Whose rows are shown: own, team, or all.")
        ] = None,
        version: Annotated[bool, typer.Option("--version", help="Say which release this is.")] = False,
    ) -> None:
        if version:
            typer.echo(f"relato {read_version()}")
            raise typer.Exit
        if ctx.invoked_subcommand is None:
            typer.echo(ctx.get_help())
            raise typer.Exit
        ctx.obj = open_installation(Asked(home, database, principal, role, scope))

    return app


def read_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 slow, and seldom asked

    try:
        return version("relato")
    except PackageNotFoundError:
        return "0 (not installed)"


def run(args: Sequence[str], open_installation: Open, *, is_debugged: Callable[[], bool]) -> int:
    """Runs one command and answers the exit status: 0, 1 for a refusal, 2 for wrong use, 130 for Ctrl-C."""
    try:
        status = make_app(open_installation)(with_kafka_value(args), prog_name="relato", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # who read us has enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if is_debugged():
            raise
        return refuse(error)
    return status if isinstance(status, int) else 0


ADDRESS = re.compile(r"[^\s:/-][^\s:/]*:[0-9]+")


def with_kafka_value(args: Sequence[str]) -> list[str]:
    """`--kafka` alone means the embedded one; typer has no options that may go without their value."""
    found = list(args)
    for n, arg in enumerate(args):
        if arg == "--kafka" and not ADDRESS.fullmatch("".join(args[n + 1 : n + 2])):
            found[n] = "--kafka=embedded"
    return found
