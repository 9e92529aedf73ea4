"""Search in PostgreSQL: digests compared with those of the texts, by an index of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from projections.engine.statements import read_statements
from projections.search.answer import Behind, Hit
from projections.search.fields import Kind, Share
from projections.search.question import Blind

MOST_TEXTS = 3  # shown of one thing
MANY = 20_000
_SQL = read_statements(Path(__file__).with_suffix(".sql"))


def search_texts(
    db: psycopg.Connection[Any],
    blind: Blind,
    *,
    kinds: Sequence[Kind],
    shares: Sequence[Share],
    behind: Behind | None,
    limit: int,
) -> Sequence[Hit]:
    """The texts of so many things at most, in the session's schema."""
    is_shown, owners = _is_shown(shares)
    with db.transaction(), db.cursor(row_factory=class_row(Hit)) as cursor:
        db.execute(_SQL["plan"])
        leader = _rarest(db, blind) if len(blind.probes) > 1 else 0
        if leader is None:
            return []
        given = {
            **blind._asdict(),
            **owners,
            **(behind._asdict() if behind else dict.fromkeys(Behind._fields)),
            "probes": blind.probes[leader],
            "leader": leader,
            "wanted": len(blind.probes),
            "fields": [name for share in shares for name in share.fields],
            "kinds": list(kinds),
            "limit": limit,
            "most_texts": MOST_TEXTS,
        }
        candidates = sql.SQL(_SQL["candidates_by_one" if len(blind.probes) > 1 else "candidates_by_index"])
        question = sql.SQL(_SQL["search"]).format(candidates=candidates, is_shown=is_shown)
        return cursor.execute(question, given).fetchall()


def _rarest(db: psycopg.Connection[Any], blind: Blind) -> int | None:
    """Which of the things asked for the fewest texts may hold; None if one is nowhere."""
    probes = [f"{{{','.join(map(str, one))}}}" for one in blind.probes]  # arrays of one length only can lie in an array
    counts = [count for (count,) in db.execute(_SQL["count_probes"], {"probes": probes, "many": MANY}).fetchall()]
    return counts.index(min(counts)) if all(counts) else None


def _is_shown(shares: Sequence[Share]) -> tuple[sql.Composable, dict[str, Any]]:
    """The condition that a text is of one of the shares, and its parameters."""
    given: dict[str, Any] = {}
    parts: list[sql.Composable] = []
    for n, share in enumerate(shares):
        given[f"fields_{n}"] = list(share.fields)
        part = sql.SQL("c.field = any({})").format(sql.Placeholder(f"fields_{n}"))
        if share.owners is not None:
            given[f"owners_{n}"] = list(share.owners)
            is_owned = sql.SQL(_SQL["is_owned"]).format(owners=sql.Placeholder(f"owners_{n}"))
            part = sql.SQL("{} and ({})").format(part, is_owned)
        parts.append(sql.SQL("({})").format(part))
    return sql.SQL(" or ").join(parts), given
