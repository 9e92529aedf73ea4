"""Row filters, as whoever asks them needs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from pydantic_core import from_json

from domain.errors import RefusedError
from domain.event import Event
from domain.fact import Fact
from domain.personal import Sealed
from projections.facts import revived


class Misfit(NamedTuple):
    """Why a filter could not be asked about a fact, which then does not match."""

    reason: str


class RowFilter(Protocol):
    """A compiled expression; it is asked about rows that its Filters made."""

    def matches(self, row: Any) -> bool | Misfit: ...


class Unusable:
    """Implements RowFilter for an expression that cannot be compiled."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def matches(self, row: Any) -> Misfit:  # noqa: ARG002 a RowFilter's
        return Misfit(self._reason)


class Filters(Protocol):
    """The language that row filters are written in."""

    def compile(self, expression: str) -> RowFilter:
        """Raises RefusedError with what is wrong."""

    def row(self, variables: Mapping[str, Any]) -> Any:
        """A fact as expressions see it, made once for all filters."""


def usable(filters: Filters, expression: str) -> RowFilter:
    """One that this release does not take any more matches nothing, and says so; the feeds go on."""
    try:
        return filters.compile(expression)
    except RefusedError as error:
        return Unusable(str(error))


VARIABLES = ("fact", "type", "stream", "origin", "occurred_at", "recorded_at")


def variables_of(event: Event) -> Mapping[str, Any]:
    """By VARIABLES; `fact` as it is stored, without what is sealed."""
    known = event.type in Fact.types
    content = from_json(event.data) if known else event.fact.model_dump(mode="json", exclude_none=True)
    values = (
        _clear(revived(event.type if known else event.fact.TYPE, content)),
        event.fact.TYPE,
        str(event.stream_id),
        event.origin,
        event.occurred_at,
        event.recorded_at,
    )
    return dict(zip(VARIABLES, values, strict=True))


def _clear(content: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: part for name, part in content.items() if not isinstance(part, Sealed)}
