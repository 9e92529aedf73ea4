"""`relato import`: a file of another system, into facts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from adapters.cli.installation import Deployment, deployment_of
from adapters.cli.refusals import INTERRUPTED, WrongUseError
from adapters.cli.terminal import note, print_line, print_table
from adapters.importers import ImportReport, interruptible, known_formats, run, shown
from adapters.importers.report import RuleReport

FORMAT = Annotated[
    str | None, typer.Argument(metavar="[FORMAT]", help="One of --list; left out where --mapping is given.")
]
PATH = Annotated[Path | None, typer.Argument(metavar="PATH", help="A file (.gz, .xz, .zip too) or a directory.")]
FIGURES = ("done", "amended", "unchanged", "rejected", "erased", "merged", "facts")


def import_file(
    ctx: typer.Context,
    format_: FORMAT = None,
    path: PATH = None,
    *,
    mapping: Annotated[Path | None, typer.Option(metavar="FILE", help="A mapping of your own.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="From the first row, though it was imported before.")] = False,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For rejected rows, to be mended and imported.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Report in JSON.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Name the formats.")] = False,
) -> None:
    """Import a file. Twice changes nothing; a newer export amends what changed; what was cut short goes on.

    relato import online-retail online_retail_II.csv.xz

    relato import customers.csv --mapping customers.toml --dry-run
    """
    if list_:
        print_table(["format", "what it is"], known_formats())
        return
    deployment = deployment_of(ctx, "commands")
    if path is None and mapping is not None and format_ is not None:
        path, format_ = Path(format_), None
    if path is None:
        raise WrongUseError(["name a format and a file, or a file and --mapping; `relato import --list` names formats"])
    rejects = rejects or Path(f"{path.name}.rejects.csv")
    report = _import(deployment, format_, path, mapping, rejects, dry_run=dry_run, again=again)
    if as_json:
        print_line(report.model_dump_json())
    else:
        _print(report)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def _import(
    deployment: Deployment,
    format_: str | None,
    path: Path,
    mapping: Path | None,
    rejects: Path,
    *,
    dry_run: bool,
    again: bool,
) -> ImportReport:
    with (
        deployment.open() as installation,
        interruptible() as stop,
        shown(Console(stderr=True)) as on_progress,
    ):
        return run(
            format_,
            path,
            mapping,
            executor=installation.executor,
            ledger=installation.ledger,
            vault=installation.vault,
            progress=installation.import_progress,
            actor=deployment.principal,
            rejects_path=rejects,
            dry_run=dry_run,
            again=again,
            on_progress=on_progress,
            stop=stop,
        )


def _print(report: ImportReport) -> None:
    for file in report.files:
        state = "imported before; nothing to do" if file.nothing_to_do else f"{file.rows} rows"
        print_line(f"{file.file}: {state}")
    rules = [(name, rule) for file in report.files for name, rule in file.rules.items()]
    print_table(["rule", "command", *FIGURES], [_cells(name, rule) for name, rule in rules])
    would = "would be " if report.dry_run else ""
    print_line(f"{report.total('facts')} facts {would}recorded, {report.rows} rows in {report.seconds:.1f} s")
    for file in report.files:
        for reason, count in file.reasons.most_common():
            note(f"{count} rows: {reason}")
        if file.rejects:
            note(f"rejected rows are in {file.rejects}; mend them there and import that file")
    if report.interrupted:
        note("interrupted; the same command goes on from here")


def _cells(name: str, rule: RuleReport) -> list[object]:
    return [name, rule.command, *(getattr(rule, figure) for figure in FIGURES)]
