"""A bounded memory: what was used last stays, in two generations, which is cheaper than a list in order of use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Holds the last used 1 to 2 times `size` entries. Single calls are safe from many threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        if (found := self._young.get(key)) is None:
            found = self._old.get(key)
        return found

    def find(self, keys: Iterable[K], first: Mapping[K, V] | None = None) -> tuple[dict[K, V], list[K]]:
        """What is known, `first` or here, and the keys that are missing."""
        found: dict[K, V] = {}
        missing: list[K] = []
        young, old = self._young.get, self._old.get
        for key in keys:
            value = first.get(key) if first else None
            if value is None and (value := young(key)) is None and (value := old(key)) is None:
                missing.append(key)
            else:
                found[key] = value
        return found, missing

    def put(self, key: K, value: V) -> None:
        self.keep({key: value})

    def keep(self, entries: Mapping[K, V]) -> None:
        self._young.update(entries)
        if len(self._young) > self._size:
            self._old, self._young = self._young, {}

    def forget(self, keys: Iterable[K]) -> None:
        for key in keys:
            self._young.pop(key, None)
            self._old.pop(key, None)

    def clear(self) -> None:
        self._young, self._old = {}, {}
