"""The digests by which texts are found, made of what they open to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol
from uuid import UUID

from domain.errors import RelatoError, UnavailableError
from domain.personal import ERASED, Sealed
from projections.engine.readmodel import Derived
from projections.rendering import as_text
from projections.search.digests import Digests, Opener
from projections.search.texts import Text
from projections.search.words import marks_of

AT_ONCE = 50  # a text may have 16 MiB
Tokens = tuple[int, ...] | None


class Opening(Opener, Protocol):
    """May be pickled where a rebuild has several processes."""

    def forgotten(self) -> Collection[UUID]:
        """Who lost their keys lately. Raises UnavailableError."""


class UnopenedError(ValueError):
    """A sealed text does not open."""


class Indexer:
    """Opens texts as they are written, and keeps nothing of them but digests."""

    def __init__(self, opener: Opener) -> None:
        self._opener, self._digests = opener, Digests(opener)

    def tokens_of(self, rows: Sequence[Text]) -> Iterator[tuple[Tokens]]:
        """None for what opens to nothing any more."""
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            opened = iter(self._open([Sealed(value) for row in some for value in row.text.values()]))
            for row in some:
                yield (self._tokens([next(opened) for _ in row.text]),)

    def _open(self, values: Sequence[Sealed]) -> Sequence[object]:
        try:
            return self._opener.open(values)
        except UnavailableError:
            raise
        except RelatoError as error:
            raise UnopenedError(str(error)) from error

    def _tokens(self, values: Iterable[object]) -> Tokens:
        told = [as_text(value) for value in values if value is not ERASED]
        if not told:
            return None
        return tuple(sorted(set(self._digests.of(set().union(*map(marks_of, told))))))


def derived_by(opening: Opening) -> Derived[Text]:
    return Derived(columns=("tokens",), of=Indexer(opening).tokens_of, forgotten=opening.forgotten)
