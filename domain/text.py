"""The texts that commands take, by their length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue

from domain.personal import TOKEN_PATTERN

WITHOUT_NUL = r"^[^\x00]*$"  # PostgreSQL's text cannot hold it, so no read model could fold it
LONGEST_TEXT = 2_000
_TOKEN = re.compile(TOKEN_PATTERN)


def _is_no_token(text: str) -> str:
    """At the way out a clear text beside sealed ones would be taken for one of them, and its row could not be shown."""
    if text[1:3] == "1." and _TOKEN.fullmatch(text):
        raise ValueError("this looks like a sealed value; write it in another way")
    return text


def _is_clear(value: Any) -> Any:
    for part in _parts_in(value):
        if isinstance(part, str):
            _is_no_token(part)
        _is_finite(part)
    return value


def _parts_in(value: Any) -> Iterator[Any]:
    """All that is neither a list nor an object, and the names in objects."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from (name, *_parts_in(part))
    elif isinstance(value, list):
        for part in value:
            yield from _parts_in(part)
    else:
        yield value


def _is_finite(value: Any) -> Any:
    """1e999 is JSON and is read as infinite, which no JSON can tell again."""
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("the number is too large")
    return value


def _is_small(value: Any) -> Any:
    if isinstance(value, Mapping | list) or (isinstance(value, str) and len(value) > LONGEST_TEXT):
        raise ValueError(f"write a text of {LONGEST_TEXT:,} characters at most, a number, true or false")
    return _is_finite(value)


Label = Annotated[str, Field(min_length=1, max_length=200, pattern=WITHOUT_NUL), AfterValidator(_is_no_token)]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=WITHOUT_NUL), AfterValidator(_is_no_token)]
FileName = Annotated[
    str,
    Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/\\]*$", examples=["offer.pdf"]),
    AfterValidator(_is_no_token),
]  # a name, no way to another place
Content = Annotated[str, Field(min_length=1, max_length=16_777_216)]
ClearJson = Annotated[JsonValue, AfterValidator(_is_clear)]
SmallJson = Annotated[JsonValue, AfterValidator(_is_small)]
