"""What a search found, as it is shown: things, the best first, with the texts in which they were found, opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from domain.personal import ERASED
from projections.asking import open_rows
from projections.disclosure import WITHHELD, Disclosure, Grant
from projections.search.digests import Opener
from projections.search.fields import FOUND
from projections.search.question import Blind, Search, blinded, blinded_whole
from projections.search.words import FULL, LEAST, SPELT, WORD, folded, trigrams_of

EXCERPT = 200


class Hit(NamedTuple):
    """A text that was found, sealed. Those of a thing stand together; `score` is the thing's."""

    kind: str
    thing_id: UUID
    score: int
    field: str
    item: str
    text: Mapping[str, Any]
    occurred_at: datetime
    customer_id: UUID | None
    customer_name: str | None
    employee_id: UUID | None
    erased: bool


class Behind(NamedTuple):
    """Where a page ended: its last thing."""

    score: int
    thing_id: UUID
    kind: str


Read = Callable[[Blind], Sequence[Hit]]
"""The texts of a page of things."""


def find(search: Search, opener: Opener, read: Read, behind: Behind | None, limit: int) -> Sequence[Hit]:
    """What is spelt so comes first; only where that fills no page of `limit` things, what is similar is looked for."""
    if behind is None or behind.score == FULL * len(search.asked):
        hits = read(blinded_whole(search, opener))
        if len({(hit.kind, hit.thing_id) for hit in hits}) >= limit:
            return hits
    return read(blinded(search, opener))


def tell(search: Search, hits: Sequence[Hit], disclosure: Callable[[Grant], Disclosure]) -> Sequence[dict[str, Any]]:
    """What opens to nothing, or is not for the role, was not found."""
    opened = _opened(search, [hit for hit in hits if not hit.erased], disclosure)
    told: list[dict[str, Any]] = []
    for _, group in groupby(opened, key=lambda row: (row["kind"], row["thing_id"])):
        rows = list(group)
        if matches := [match for row in rows if (match := _match(row))]:
            told.append(_thing(search, rows[0], matches))
    return told


def _opened(
    search: Search, hits: Sequence[Hit], disclosure: Callable[[Grant], Disclosure]
) -> Iterable[Mapping[str, Any]]:
    """Each text under the grant by which it may be shown, as much of it as is."""
    places: dict[int, Mapping[str, Any]] = {}
    for share in search.shares:
        mine = [n for n, hit in enumerate(hits) if hit.field in share.fields]
        if mine:
            rows = open_rows(disclosure(share.grant), FOUND, [hits[n] for n in mine])
            places |= {n: {**row, "text": _shown(search, row["text"])} for n, row in zip(mine, rows, strict=True)}
    return [places[n] for n in sorted(places)]


def _match(row: Mapping[str, Any]) -> dict[str, Any] | None:
    return {"field": row["field"], "text": row["text"]} if row["text"] else None


def _shown(search: Search, text: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: excerpt(part, search) for name, part in text.items() if part is not ERASED and part is not WITHHELD}


def _thing(search: Search, row: Mapping[str, Any], matches: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "kind": row["kind"],
        "id": row["thing_id"],
        "customer_id": row["customer_id"],
        "customer_name": row["customer_name"],
        "employee_id": row["employee_id"],
        "occurred_at": row["occurred_at"],
        "score": round(row["score"] / (FULL * len(search.asked)), 3),
        "matches": matches,
    }


def excerpt(value: Any, search: Search) -> Any:
    """Of a long text the part around the first word that is like one of those asked for."""
    if not isinstance(value, str) or len(value) <= EXCERPT:
        return value
    asked = [one.text for one in search.asked]
    place = next((found.start() for found in WORD.finditer(value) if _is_like(folded(found.group()), asked)), 0)
    start = max(0, min(place - EXCERPT // 2, len(value) - EXCERPT))
    end = start + EXCERPT
    return f"{'…' if start else ''}{value[start:end]}{'…' if end < len(value) else ''}"


def _is_like(word: str, asked: Iterable[str]) -> bool:
    trigrams = set(trigrams_of(word))
    return any(
        len(trigrams & set(wanted := trigrams_of(one))) * (FULL - SPELT) >= LEAST * len(wanted) and one[0] == word[0]
        for one in asked
    )
