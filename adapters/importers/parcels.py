"""Items on their way from the process that reads to the one that settles: plain values, commands as their JSON.

A command is read again from its JSON at half the cost of a pickled model, and its fingerprint is of these very bytes.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from adapters.ids import uuid_of
from adapters.importers.items import Item
from adapters.importers.recipes import Recipe, refusal_of
from adapters.importers.rows import Row, RowError
from domain.decider import Command
from domain.decision import Context, content_of, fingerprint_of

PackedRow = tuple[int, int | str, Sequence[str]]
PackedOrder = tuple[bytes, bytes, int, datetime | None]  # content, fingerprint, command id, when it was true
PackedItem = tuple[int | None, str, bool, RowError | None, PackedOrder | None]


class Parcel(NamedTuple):
    """Items, and the rows of each, which are wanted only where one is rejected."""

    items: Sequence[PackedItem]
    rows: bytes


class Packer:
    """For the process that reads."""

    def __init__(self, recipes: Sequence[Recipe], keyed: Callable[[bytes], bytes]) -> None:
        self._numbers, self._keyed = {recipe: n for n, recipe in enumerate(recipes)}, keyed

    def pack(self, items: Sequence[Item]) -> Parcel:
        rows = [[(row.number, row.repeat, row.values) for row in item.rows] for item in items]
        return Parcel([self._pack(item) for item in items], pickle.dumps(rows))

    def _pack(self, item: Item) -> PackedItem:
        number = None if item.recipe is None else self._numbers[item.recipe]
        return number, item.identity, item.amendable, item.refusal, item.order and self._pack_order(*item.order)

    def _pack_order(self, command: Command, context: Context) -> PackedOrder:
        content = content_of(command)
        print_ = fingerprint_of(command, content, self._keyed)
        return content, print_, context.command_id.int, context.occurred_at


def unpack(parcel: Parcel, recipes: Sequence[Recipe]) -> list[Item]:
    """As they were packed; a row keeps what a file of rejects tells of it."""
    kept = _Kept(parcel.rows)
    return [_unpack(packed, KeptRows(kept, n), recipes) for n, packed in enumerate(parcel.items)]


def _unpack(packed: PackedItem, rows: KeptRows, recipes: Sequence[Recipe]) -> Item:
    number, identity, amendable, refusal, packed_order = packed
    recipe, order = None if number is None else recipes[number], None
    if recipe is not None and packed_order is not None:
        content, fingerprint, command_id, at = packed_order
        try:
            order = recipe.order_again(content, fingerprint, uuid_of(command_id), at)
        except ValidationError as error:
            refusal = refusal_of(error)
    return Item(recipe, rows, identity, order=order, refusal=refusal, amendable=amendable)


class KeptRows:
    """The rows of one item, made when they are wanted."""

    __slots__ = ("_kept", "_n")

    def __init__(self, kept: _Kept, n: int) -> None:
        self._kept, self._n = kept, n

    def __iter__(self) -> Iterator[Row]:
        for number, repeat, values in self._kept.of(self._n):
            row = Row(values, number)
            row.repeat = repeat
            yield row


class _Kept:
    """The rows of a parcel."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._opened: Sequence[Sequence[PackedRow]] | None = None

    def of(self, n: int) -> Sequence[PackedRow]:
        if self._opened is None:
            self._opened = pickle.loads(self._packed)  # noqa: S301 our own process packed them
        return self._opened[n]
