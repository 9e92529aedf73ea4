"""`relato search`: customers, contacts, interactions and tickets by what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Annotated, Any

import typer

from adapters.cli.asking import Named, asker_in
from adapters.cli.freshness import freshen
from adapters.cli.installation import Deployment, deployment_of
from adapters.cli.models import service_named
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import print_rows
from adapters.postgres.searching import search_texts
from adapters.postgres.views import reading
from domain.access.facts import Held
from projections.asking import AskedWrongError, Asker
from projections.engine.progress import parse_token
from projections.rendering import as_text
from projections.search.answer import find, tell
from projections.search.fields import Kind
from projections.search.question import Search, search_for
from projections.search.service import NAME

COLUMNS = ("kind", "found", "customer_name", "score", "occurred_at", "id", "customer_id")


def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="Words, an e-mail address, a telephone number.")],
    *,
    kinds: Annotated[list[Kind] | None, typer.Option("--kind", help="Only these; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="So many at most.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
    wait: Annotated[str | None, typer.Option(metavar="TOKEN", help="Wait for what a command wrote.")] = None,
) -> None:
    """Find customers, contacts, interactions and tickets, also when a name is misspelt; the best come first.

        relato search ana souza --kind customer

        relato search "+351 912 345 678"

    What is searched, and whose, is what the role may see.
    """
    deployment, text = deployment_of(ctx), " ".join(words)
    parse_token(wait or "")
    _ask(deployment, Named(deployment.principal), text, kinds)  # what is asked wrong opens nothing
    with deployment.open() as installation:
        asked = _ask(deployment, asker_in(deployment, installation), text, kinds)
        freshen(installation, service_named(deployment, NAME), wait)
        with closing(installation.connect(NAME)) as db, reading(db, deployment.time_zone):
            read = partial(search_texts, db, kinds=asked.kinds, shares=asked.shares, behind=None, limit=limit)
            hits = find(asked, installation.vault, read, None, limit)
        _print(tell(asked, hits, lambda _: installation.disclosure), as_json=as_json)


def _ask(deployment: Deployment, asker: Asker, text: str, kinds: Sequence[Kind] | None) -> Search:
    roles = frozenset({Held(deployment.role, deployment.scope)})
    try:
        return search_for(text, kinds or (), roles, asker)
    except AskedWrongError as error:
        raise WrongUseError([f"{'--as' if error.parameter == 'as' else 'WORDS'}: {error}"]) from error


def _print(found: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    cells = [{**row, "found": "; ".join(_text_of(match) for match in row["matches"])} for row in found]
    print_rows(COLUMNS, found if as_json else cells, as_json=as_json)


def _text_of(match: Mapping[str, Any]) -> str:
    return ", ".join(as_text(part) for part in match["text"].values())
