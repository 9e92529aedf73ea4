"""A large body is taken for its long texts; one of many parts is refused before it is parsed."""

from __future__ import annotations

import json

import pytest

from adapters.http.bodies import MOST_SEPARATORS, check_separators
from adapters.http.errors import BodyError

MANY = MOST_SEPARATORS + 1


@pytest.mark.parametrize(
    "text", ["a, b" * MANY, 'say "yes", or "no"' * MANY, "\\," * MANY, "\n,\t" * MANY, "é, " * MANY]
)
def test_commas_in_a_text_are_no_parts(text: str) -> None:
    check_separators(json.dumps({"content": text}).encode())
    check_separators(json.dumps({"topic": ",", "content": text, "more": ","}, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + b"1," * MANY + b"1]}",
        b'{"a":[' + b'",",' * MANY + b"1]}",
        b'{"a":"\\",","b":[' + b"[]," * MANY + b"1]}",
        b'{"a":"' + b"," * MANY,  # a text without an end
    ],
)
def test_too_many_parts_are_refused(body: bytes) -> None:
    with pytest.raises(BodyError):
        check_separators(body)
