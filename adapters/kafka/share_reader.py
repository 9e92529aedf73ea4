"""A topic whose records name the one before them, read from a position on: repeats left out, what is missing named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, Self, TypeVar

from adapters.kafka.admin import Spec
from adapters.kafka.cluster import Cluster
from adapters.kafka.following import Following, Found


class Linked(Protocol):
    """What a record decodes to: its position, and that of the record before it in its partition."""

    @property
    def position(self) -> int: ...
    @property
    def previous(self) -> int: ...


L = TypeVar("L", bound=Linked)


class ShareReader(Generic[L]):
    """`decode(partition, offset, key, value, headers)` makes it of a record. Raises as Following does."""

    def __init__(self, cluster: Cluster, spec: Spec, decode: Callable[..., L], *, after: int = 0) -> None:
        self._following = Following(cluster, [spec])
        self._decode, self._after = decode, after
        self._last: dict[int, int] = {}
        self.missing_before: int | None = None  # a position up to which facts after `after` aren't here any more

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._following.close()

    @property
    def has_caught_up(self) -> bool:
        """Whether all that was there when it was opened has been read."""
        return self._following.has_caught_up

    def poll(self, timeout_s: float) -> Sequence[L]:
        """What is new, by position; of each partition in its order."""
        new = (thing for found in self._following.poll(timeout_s) if (thing := self._take(found)) is not None)
        return sorted(new, key=lambda thing: thing.position)

    def _take(self, found: Found) -> L | None:
        thing = self._decode(*found[1:])
        last = self._last.get(found.partition, self._after)
        if thing.position <= last:
            return None
        if thing.previous > last:
            self.missing_before = max(self.missing_before or 0, thing.position)
        self._last[found.partition] = thing.position
        return thing
