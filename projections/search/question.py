"""A search as it is asked: what must be found, in which texts, and what a database needs to know of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from domain.access.facts import Held
from projections.asking import AskedWrongError, Asker
from projections.search.digests import Digests, Opener
from projections.search.fields import Kind, Share, shares_of
from projections.search.words import FULL, LEAST, MOST_ASKED, Asked, Marks, asked_of

LONGEST = 200


class Search(NamedTuple):
    """Somebody's: `shares` are what they may be shown."""

    asked: Sequence[Asked]
    kinds: tuple[Kind, ...]
    shares: Sequence[Share]


class Blind(NamedTuple):
    """Digests: `things` numbers what each belongs to, `weights` are what it counts there.

    `probes`, for each thing that is asked for: a text that reaches `least` of it has one of them.
    """

    digests: list[int]
    things: list[int]
    weights: list[int]
    probes: Sequence[list[int]]
    least: int = LEAST


def search_for(words: str | None, kinds: Collection[Kind], roles: frozenset[Held], asker: Asker) -> Search:
    """Raises NotAllowedError, AskedWrongError."""
    shares = shares_of(roles, asker)
    if not words or len(words) > LONGEST or not (asked := asked_of(words)):
        raise AskedWrongError(f"say what to look for, in {LONGEST} characters at most", parameter="q")
    if len(asked) > MOST_ASKED:
        raise AskedWrongError(f"look for {MOST_ASKED} words at most", parameter="q")
    return Search(asked, tuple(sorted(set(kinds) or set(Kind))), shares)


def blinded(search: Search, opener: Opener) -> Blind:
    """For whatever is spelt so or similarly."""
    return _blind(opener, [one.marks for one in search.asked], [one.probes for one in search.asked])


def blinded_whole(search: Search, opener: Opener) -> Blind:
    """For what is spelt so alone, which a database has at once."""
    return _blind(opener, [dict.fromkeys(one.whole, FULL) for one in search.asked], [one.whole for one in search.asked])


def _blind(opener: Opener, marks: Sequence[Marks], probes: Sequence[Sequence[str]]) -> Blind:
    digests = Digests(opener)
    return Blind(
        digests.of([mark for one in marks for mark in one]),
        [thing for thing, one in enumerate(marks) for _ in one],
        [weight for one in marks for weight in one.values()],
        [digests.of(one) for one in probes],
    )
