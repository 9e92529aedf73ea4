"""Values made up by a schema and a seed: the same each time, and nobody's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from streams.feeds.shapes import Schema

FIRST_DAY = date(2026, 1, 5)
LARGEST = 100_000  # of a number that nothing bounds
LIKELY = 0.7  # that an optional field has a value
OFTEN: Mapping[str, tuple[str, ...]] = {
    "name": ("Ana Exemplo", "Rui Modelo", "Eva Amostra"),
    "country": ("PT", "BR", "ES"),
    "currency": ("EUR", "BRL"),
    "number": ("X-1001", "X-1002", "X-1003", "X-1004"),
    "value": ("ana@example.com", "rui@example.org"),
    "title": ("Chairs for an office", "Bowls for a kitchen"),
    "reason": ("as an example",),
    "carrier": ("Correio Exemplo",),
    "sku": ("EX-1", "EX-2"),
}
WORDS = ("exemplo", "amostra", "modelo", "ensaio")


class Maker:
    """Makes values; a field's name says what its text may be like."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 to be the same each time is what it is for

    def id(self, of: int = 1 << 128) -> UUID:
        """One of so many; few, where things are to come again."""
        return UUID(int=Random(f"id {self._random.randrange(of)}").getrandbits(128), version=4)  # noqa: S311 as above

    def value(self, schema: Schema, name: str = "") -> Any:
        if choices := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
            return self._random.choice(choices)
        if "anyOf" in schema:
            return self.value(schema["anyOf"][0], name)
        made: Mapping[Any, Callable[[Schema, str], Any]] = {
            "object": self._object,
            "array": self._array,
            "integer": self._integer,
            "number": self._integer,
            "boolean": lambda _, __: self._random.random() > LIKELY,
        }
        return made.get(schema.get("type"), self._text)(schema, name)

    def _object(self, schema: Schema, _: str) -> dict[str, Any]:
        needed = schema.get("required", ())
        fields = schema.get("properties", {}).items()
        return {
            name: self.value(part, name) for name, part in fields if name in needed or self._random.random() < LIKELY
        }

    def _array(self, schema: Schema, name: str) -> list[Any]:
        return [self.value(schema["items"], name) for _ in range(self._random.randint(1, 3))]

    def _integer(self, schema: Schema, name: str) -> int:
        most = 9 if name == "quantity" else LARGEST
        return self._random.randint(max(schema.get("minimum", 1), 1), min(schema.get("maximum", most), most))

    def _text(self, schema: Schema, name: str) -> str:
        match schema.get("format"):
            case "uuid":
                return str(self.id(5))
            case "date":
                return self._day().isoformat()
            case "date-time":
                return f"{self._day().isoformat()}T09:30:00Z"
            case _:
                return (
                    f"{self._integer({}, name)}.50"
                    if "pattern" in schema
                    else self._random.choice(OFTEN.get(name, WORDS))
                )

    def _day(self) -> date:
        return FIRST_DAY + timedelta(days=self._random.randrange(300))
