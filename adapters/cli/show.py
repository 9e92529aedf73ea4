"""`relato show`: a read model's rows, opened as far as the role may see."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain, islice
from typing import Annotated, Any, NamedTuple, cast, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from adapters.cli.freshness import freshen
from adapters.cli.installation import Deployment, Installation, deployment_of
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import as_text, is_terminal, json_line, note, print_line, print_records, print_table
from adapters.postgres.views import Condition, Operator, read_rows, reading
from domain.money import MINOR_DIGITS, Money
from projections.catalogue import VIEWS, Shown, find_view
from projections.disclosure import GRANTS, NotAllowedError, Role, as_sealed, require_service
from projections.engine.progress import parse_token
from projections.engine.readmodel import Service
from projections.view import View

SCREENFUL = 50
CONDITION = re.compile(r"([a-z_][a-z0-9_]*)(!=|>=|<=|=|~)(.*)", re.DOTALL)


class Question(NamedTuple):
    """What is asked of a view: `after` are the conditions on sealed columns, which only opened values can answer."""

    view: View
    conditions: Sequence[Condition]
    after: Sequence[Condition]
    order: Sequence[tuple[str, bool]]
    limit: int | None


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
    question = _ask(deployment, shown.view, filters or (), sort, limit)
    with deployment.open() as installation:
        freshen(installation, _service(deployment, shown.service), wait)
        with closing(installation.connect(shown.service)) as db, reading(db, deployment.time_zone):
            rows = _rows(installation, question, read_rows(db, shown.view, question.conditions, question.order))
            if is_screen:
                rows = _first_screen(rows)
            _print(shown, rows, deployment.time_zone, as_json=as_json, as_csv=as_csv)


def _first_screen(rows: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    yield from islice(rows, SCREENFUL)
    if next(rows, None) is not None:
        note(f"the first {SCREENFUL} rows; --limit gives more")


def _service(deployment: Deployment, name: str) -> Service:
    return next(service for service in deployment.services if service.name == name)


def _list_views(role: Role) -> None:
    seen = [shown for shown in VIEWS.values() if shown.service in GRANTS[role].services]
    rows = [[s.service, s.view.name, s.view.help, ", ".join(s.view.columns)] for s in seen]
    print_table(["service", "read model", "what it tells", "columns"], rows)


def _ask(deployment: Deployment, view: View, filters: Sequence[str], sort: str | None, limit: int | None) -> Question:
    conditions = [_parse_condition(view, text) for text in filters]
    order = [(name.removeprefix("-"), name.startswith("-")) for name in (sort or "").split(",") if name]
    for column, _ in order:
        _check_column(view, column, "--sort")
        if column in view.sealed:
            raise WrongUseError([f"--sort: {column} is kept sealed, so nothing can be sorted by it"])
    open_ones = [c for c in conditions if c.column not in view.sealed]
    return Question(
        view,
        [*open_ones, *_own_rows(deployment, view)],
        [c for c in conditions if c.column in view.sealed],
        order,
        limit,
    )


def _parse_condition(view: View, text: str) -> Condition:
    if not (found := CONDITION.fullmatch(text)):
        signs = " ".join(get_args(Operator))
        raise WrongUseError([f"--filter: write column=value, with one of {signs} between them"])
    column, operator, value = found.groups()
    _check_column(view, column, "--filter")
    if column in view.sealed and operator in {">=", "<="}:
        raise WrongUseError([f"--filter: {column} is kept sealed; only =, != and ~ can be asked of it"])
    return Condition(column, cast("Operator", operator), value)


def _check_column(view: View, column: str, option: str) -> None:
    if column not in view.columns:
        raise WrongUseError([f"{option}: {view.name} has no column {column}; it has {', '.join(view.columns)}"])


def _own_rows(deployment: Deployment, view: View) -> Sequence[Condition]:
    """A partner's rows are those that bear its own id."""
    if not (own := GRANTS[deployment.role].own):
        return ()
    if not (columns := [column for column in own if column in view.columns]):
        raise NotAllowedError(f"{view.name} does not say whose its rows are; a {deployment.role} sees its own only")
    try:
        return [Condition(columns[0], "=", str(UUID(deployment.principal)))]
    except ValueError as error:
        raise WrongUseError([f"--as: a {deployment.role} asks under its own id"]) from error


def _rows(
    installation: Installation, question: Question, pages: Iterator[Sequence[tuple[Any, ...]]]
) -> Iterator[Mapping[str, Any]]:
    opened = chain.from_iterable(_opened(installation, question.view, page) for page in pages)
    return islice((row for row in opened if all(_fits(row, c) for c in question.after)), question.limit)


def _opened(installation: Installation, view: View, page: Sequence[tuple[Any, ...]]) -> Sequence[Mapping[str, Any]]:
    sealed = set(view.sealed)
    named = (zip(view.columns, row, strict=True) for row in page)
    marked = [{name: as_sealed(value) if name in sealed else value for name, value in row} for row in named]
    return installation.disclosure.open_within(marked) if sealed else marked


def _fits(row: Mapping[str, Any], condition: Condition) -> bool:
    text = as_text(row[condition.column])
    match condition.operator:
        case "=":
            return text == condition.value
        case "!=":
            return text != condition.value
        case _:
            return condition.value.casefold() in text.casefold()


def _print(shown: Shown, rows: Iterator[Mapping[str, Any]], zone: ZoneInfo, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        for row in rows:
            print_line(json_line(row))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(shown.view.columns)
        writer.writerows([as_text(value) for value in row.values()] for row in rows)
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
