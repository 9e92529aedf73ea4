"""`relato show`: a read model's rows, opened as far as the role may see."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain, islice
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from adapters.cli.asking import Named, asker_in, grant_in
from adapters.cli.freshness import freshen
from adapters.cli.installation import Deployment, Installation, deployment_of
from adapters.cli.models import service_named
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import is_terminal, note, print_json, print_records, print_table
from adapters.postgres.views import read_rows, reading
from domain.access.facts import Role
from domain.money import MINOR_DIGITS, Money
from projections.asking import AskedWrongError, Question, ask, fits, open_rows
from projections.catalogue import VIEWS, Shown, find_view
from projections.disclosure import GRANTS, require_service
from projections.engine.progress import parse_token
from projections.rendering import in_cell
from projections.view import View

SCREENFUL = 50


def show(
    ctx: typer.Context,
    read_model: Annotated[str | None, typer.Argument(help="Its name; without it, all are listed.")] = None,
    *,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="CONDITION", help="column=value; also != >= <= and ~ for contains."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="So many rows at most.")] = None,
    sort: Annotated[str | None, typer.Option(metavar="COLUMNS", help="With commas; -column for descending.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
    wait: Annotated[str | None, typer.Option(metavar="TOKEN", help="Wait for what a command wrote.")] = None,
) -> None:
    """Show a read model, or list them all with their columns.

        relato show pipeline --filter stage=proposal --sort -amount_minor

        relato show customers --filter name~souza --json

    Personal values are opened as far as the role may see: "(erased)" once a person was erased, "(withheld)" when the
    role has no business with them; in JSON both are null, and named under "_erased" and "_withheld".
    """
    deployment = deployment_of(ctx)
    if read_model is None:
        _list_views(deployment.role)
        return
    shown = find_view(read_model)
    require_service(deployment.role, shown.service)
    is_screen = limit is None and is_terminal() and not as_json and not as_csv
    limit = SCREENFUL + 1 if is_screen else limit
    parse_token(wait or "")
    _ask(deployment, Named(deployment.principal), shown.view, filters or (), sort)  # what is asked wrong opens nothing
    with deployment.open() as installation:
        question = _ask(deployment, asker_in(deployment, installation), shown.view, filters or (), sort)
        freshen(installation, service_named(deployment, shown.service), wait)
        with closing(installation.connect(shown.service)) as db, reading(db, deployment.time_zone):
            pages = read_rows(db, shown.view, question.conditions, question.order)
            rows = _rows(installation, question, pages, limit)
            if is_screen:
                rows = _first_screen(rows)
            _print(shown, rows, deployment.time_zone, as_json=as_json, as_csv=as_csv)


def _first_screen(rows: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    yield from islice(rows, SCREENFUL)
    if next(rows, None) is not None:
        note(f"the first {SCREENFUL} rows; --limit gives more")


def _list_views(role: Role) -> None:
    seen = [shown for shown in VIEWS.values() if shown.service in GRANTS[role].services]
    rows = [[s.service, s.view.name, s.view.help, ", ".join(s.view.columns)] for s in seen]
    print_table(["service", "read model", "what it tells", "columns"], rows)


def _ask(deployment: Deployment, asker: Named, view: View, filters: Sequence[str], sort: str | None) -> Question:
    try:
        return ask(view, grant_in(deployment), asker, filters, sort)
    except AskedWrongError as error:
        raise WrongUseError([f"--{error.parameter}: {error}"]) from error


def _rows(
    installation: Installation, question: Question, pages: Iterator[Sequence[tuple[Any, ...]]], limit: int | None
) -> Iterator[Mapping[str, Any]]:
    opened = chain.from_iterable(open_rows(installation.disclosure, question.view, page) for page in pages)
    return islice((row for row in opened if fits(row, question.after)), limit)


def _print(shown: Shown, rows: Iterator[Mapping[str, Any]], zone: ZoneInfo, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        for row in rows:
            print_json(row)
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(shown.view.columns)
        writer.writerows([in_cell(value) for value in row.values()] for row in rows)
    elif is_terminal():
        _print_screen(shown.view, list(rows), zone)
    else:
        print_table(shown.view.columns, (_cells(shown.view, row, shown.view.columns, zone) for row in rows))


def _print_screen(view: View, rows: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> None:
    """Amounts are written out with their currency, which then needs no column."""
    columns = [column for column in view.columns if not (column == "currency" and _amounts(view))]
    print_records(columns, [_cells(view, row, columns, zone) for row in rows])


def _cells(view: View, row: Mapping[str, Any], columns: Sequence[str], zone: ZoneInfo) -> Sequence[Any]:
    return [_cell(view, row, column, zone) for column in columns]


def _amounts(view: View) -> Sequence[str]:
    return [column for column in view.columns if column.endswith("_minor")]


def _cell(view: View, row: Mapping[str, Any], column: str, zone: ZoneInfo) -> Any:
    """On a terminal amounts are written out, and times are the company's."""
    value = row[column]
    if isinstance(value, datetime):
        return value.astimezone(zone)
    if is_terminal() and value is not None and column in _amounts(view) and row.get("currency") in MINOR_DIGITS:
        return Money.model_construct(amount_minor=int(value), currency=row["currency"])
    return value
