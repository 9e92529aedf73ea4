"""Values and conditions of the mapping language as they are written: each form is a table with a key of its own.

`docs/howto/import.md` explains them with examples; what a form does is in `values.py` and `conditions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

Constant = str | bool | int | Decimal | datetime | date


class Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _by_key(forms: Iterable[str]) -> Callable[[Any], str | None]:
    """Names the form of a table by the key that only this form has."""

    def form_of(written: Any) -> str | None:
        if isinstance(written, Mapping):
            return next((form for form in forms if form in written), None)
        return "constant" if isinstance(written, Constant) else None

    return form_of


class Changed(Closed):
    """A text from the file, and how it is changed before it is used; blank is missing."""

    remove_prefix: str = ""
    remove_suffix: str = ""
    case: Literal["upper", "lower"] | None = None
    empty_as: tuple[str, ...] = ()
    map: dict[str, str] | str | None = None
    unmapped: Literal["keep", "refuse"] = "keep"


class Column(Changed):
    column: str


class Lookup(Changed):
    """A column of the row that another file has under the key."""

    lookup: str
    key: Expressions
    take: str


class Id(Closed):
    """The id of a natural key; missing when a part of the key is."""

    id: str
    of: Expressions


class ShortId(Closed):
    """The first twelve digits of an id, to be read by humans."""

    short_id: Expression


class FirstOf(Closed):
    first_of: Expressions


class Join(Closed):
    join: Expressions
    between: str = Field(default=" ", alias="with")


class Case(Closed):
    when: Condition
    then: Expression


class Choose(Closed):
    choose: tuple[Case, ...]
    otherwise: Expression | None = None


class Time(Closed):
    """A moment; `wall_clock` takes the clock's face and drops the zone that was stamped on it."""

    time: Expression
    format: str = "iso"
    zone: str | None = None
    wall_clock: bool = False


class Date(Closed):
    date: Expression
    format: str = "iso"


class Whole(Closed):
    whole: Expression


class Number(Closed):
    """A number as JSON has it, for a company's own fields; money is `minor`."""

    number: Expression


class DecimalText(Closed):
    decimal: Expression


class Minor(Closed):
    """An amount in minor units; one with more digits than its currency is refused, or `rounded` half up."""

    minor: Expression
    currency: str
    rounded: bool = False


class Sum(Closed):
    add: Expressions


class Difference(Closed):
    subtract: Expressions


class Product(Closed):
    multiply: Expressions


class Negative(Closed):
    negate: Expression


class Absolute(Closed):
    absolute: Expression


Arithmetic = Whole | Number | DecimalText | Minor | Sum | Difference | Product | Negative | Absolute


class Occurrence(Closed):
    """1 for the first of identical rows, 2 for the second; what makes rows identical is the file's `identical`."""

    occurrence: Literal[True]


class RowNumber(Closed):
    row_number: Literal[True]


class Each(Closed):
    """A list with an entry for each row of the group."""

    each: dict[str, Expression]


class Object(Closed):
    object: dict[str, Expression]


class Items(Closed):
    list: Expressions


FORMS = (
    "column",
    "lookup",
    "id",
    "short_id",
    "first_of",
    "join",
    "choose",
    "time",
    "date",
    "whole",
    "number",
    "decimal",
    "minor",
    "add",
    "subtract",
    "multiply",
    "negate",
    "absolute",
    "occurrence",
    "row_number",
    "each",
    "object",
    "list",
)

Expression = Annotated[
    Annotated[Constant, Tag("constant")]
    | Annotated[Column, Tag("column")]
    | Annotated[Lookup, Tag("lookup")]
    | Annotated[Id, Tag("id")]
    | Annotated[ShortId, Tag("short_id")]
    | Annotated[FirstOf, Tag("first_of")]
    | Annotated[Join, Tag("join")]
    | Annotated[Choose, Tag("choose")]
    | Annotated[Time, Tag("time")]
    | Annotated[Date, Tag("date")]
    | Annotated[Whole, Tag("whole")]
    | Annotated[Number, Tag("number")]
    | Annotated[DecimalText, Tag("decimal")]
    | Annotated[Minor, Tag("minor")]
    | Annotated[Sum, Tag("add")]
    | Annotated[Difference, Tag("subtract")]
    | Annotated[Product, Tag("multiply")]
    | Annotated[Negative, Tag("negate")]
    | Annotated[Absolute, Tag("absolute")]
    | Annotated[Occurrence, Tag("occurrence")]
    | Annotated[RowNumber, Tag("row_number")]
    | Annotated[Each, Tag("each")]
    | Annotated[Object, Tag("object")]
    | Annotated[Items, Tag("list")],
    Discriminator(
        _by_key(FORMS),
        custom_error_type="form",
        custom_error_message="write a constant, or a table with one of: " + ", ".join(FORMS),
    ),
]
Expressions = Annotated[tuple["Expression", ...], Field(min_length=1)]


class Check(Closed):
    """One comparison of a column, or of another value."""

    column: str | None = None
    value: Expression | None = None
    equals: str | None = None
    one_of: tuple[str, ...] | None = None
    starts_with: str | None = None
    ends_with: str | None = None
    contains: str | None = None
    empty: bool | None = None
    less_than: Decimal | None = None
    at_most: Decimal | None = None
    more_than: Decimal | None = None
    at_least: Decimal | None = None

    @model_validator(mode="after")
    def _one_comparison(self) -> Check:
        if (self.column is None) == (self.value is None):
            raise ValueError("a condition compares either a column or a value")
        if len(self.model_fields_set - {"column", "value"}) != 1:
            raise ValueError("a condition has one comparison: " + ", ".join(COMPARISONS))
        return self


COMPARISONS = tuple(name for name in Check.model_fields if name not in {"column", "value"})


class All(Closed):
    all: tuple[Condition, ...]


class AnyOf(Closed):
    any: tuple[Condition, ...]


class Not(Closed):
    not_: Condition = Field(alias="not")


CONDITIONS = ("all", "any", "not", "column", "value")
Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Check, Tag("column")]
    | Annotated[Check, Tag("value")],
    Discriminator(
        _by_key(CONDITIONS),
        custom_error_type="condition",
        custom_error_message="write a condition: a table with one of " + ", ".join(CONDITIONS),
    ),
]


for _model in (Lookup, Id, ShortId, FirstOf, Join, Case, Choose, Check, All, AnyOf, Not):
    _model.model_rebuild()
