"""Values on their way to PostgreSQL and back."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from psycopg.adapt import Transformer
from psycopg.pq import Format

from domain.personal import Sealed
from projections.engine.columns import Column, freeze
from projections.engine.packing import pack
from projections.engine.statements import read_statements

VALUES = {
    "uuid": some.uuids(),
    "text": some.text(some.characters(codec="utf-8")),
    "smallint": some.integers(-(2**15), 2**15 - 1),
    "integer": some.integers(-(2**31), 2**31 - 1),
    "bigint": some.integers(-(2**63), 2**63 - 1),
}
OIDS = {"uuid": 2951, "text": 1009, "smallint": 1005, "integer": 1007, "bigint": 1016}


@pytest.mark.parametrize("type_", VALUES)
@settings(max_examples=40)
@given(data=some.data())
def test_packed_arrays_are_what_psycopg_reads(type_: str, data: Any) -> None:
    values = data.draw(some.lists(some.none() | VALUES[type_], min_size=1))
    packed = pack(type_, values)
    assert packed is not None
    loader = Transformer().get_loader(OIDS[type_], Format.BINARY)
    assert loader.load(bytes(packed)) == values


@pytest.mark.parametrize(
    ("type_", "value"), [("bigint", 2**63), ("integer", 1.5), ("text", 7), ("uuid", "text"), ("date", date(2024, 1, 1))]
)
def test_what_is_not_quite_of_the_type_is_left_to_psycopg(type_: str, value: object) -> None:
    assert pack(type_, [value]) is None
    assert Column.of("c", type_).send([value]) == [value]


def test_sealed_values_are_packed_as_text() -> None:
    assert pack("text", [Sealed("s1.abc")]) == pack("text", ["s1.abc"])


def test_json_and_arrays_are_sent_as_text() -> None:
    sent = Column.of("c", "jsonb").send([{"a": (1, "ü")}, None])
    assert sent == pack("text", ['{"a": [1, "ü"]}', None])
    array = Column.of("c", "text[]")
    assert array.encode is not None
    assert array.encode(('a"b', "c\\d", "{,}", None, Sealed("s1.x"))) == '{"a\\"b","c\\\\d","{,}",NULL,"s1.x"}'
    assert array.encode((UUID(int=1), 2, True, date(2024, 1, 2))) == (
        '{"00000000-0000-0000-0000-000000000001",2,True,"2024-01-02"}'
    )


@pytest.mark.parametrize("value", [["a"], ({"a": ["b"]},), {"a": ("b", ["c"])}])
def test_lists_are_refused_for_they_would_come_back_as_tuples(value: object) -> None:
    with pytest.raises(TypeError, match="tuples"):
        Column.of("c", "jsonb").send([value])


def test_loaded_arrays_are_tuples_at_every_depth() -> None:
    assert freeze([1, {"a": [2, [3]]}]) == (1, {"a": (2, (3,))})


def test_statements_are_told_apart_by_their_names(tmp_path: Path) -> None:
    path = tmp_path / "some.sql"
    path.write_text("-- a header\n\n-- name: first\n-- why\nselect 1;\n\n-- name: second\nselect 2;\n")
    assert read_statements(path) == {"first": "-- why\nselect 1", "second": "select 2"}
