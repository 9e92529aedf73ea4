"""A key says whose it is, and is recognised by its hash alone."""

from __future__ import annotations

import pytest

from adapters.access.api_key import new_key, parse_key
from adapters.ids import uuid7


def test_a_key_is_read_back() -> None:
    key = new_key(uuid7())
    assert parse_key(key.text) == key
    assert key.text.startswith("rel_")


def test_two_keys_of_one_access_share_only_their_prefix() -> None:
    access_id = uuid7()
    one, other = new_key(access_id), new_key(access_id)
    assert one.hash != other.hash
    assert one.text.split("_")[1] == other.text.split("_")[1]


@pytest.mark.parametrize("text", ["", "rel__", "rel_a_b", "rel_" + "z" * 26 + "_" + "x" * 43, "sk_" + "a" * 26])
def test_what_is_no_key_is_none(text: str) -> None:
    found = parse_key(text)
    assert found is None or found.text == text


def test_a_key_with_something_behind_it_is_none() -> None:
    assert parse_key(new_key(uuid7()).text + "x") is None
