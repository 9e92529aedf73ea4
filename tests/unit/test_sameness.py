"""What the proof over all ways of a feed takes for the same, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from streams.feeds.disclosing import TOMBSTONE, WITHHELD
from tests.faults.sameness import assert_one_feed


def entry(data: dict[str, Any], type_: str = "crm.order.placed.v1", **more: Any) -> dict[str, Any]:
    return {"id": "1", "source": "/feed", "feedseq": 1, "agreementversion": 1, "type": type_, "data": data, **more}


FULL = entry({"number": "1", "country": "PT"})
NARROW = entry({"number": "1"})
GONE = entry({"reason": "erased"}, WITHHELD)
FORGET = entry({"reason": "erased", "through": 0}, TOMBSTONE)


@pytest.mark.parametrize(
    "told",
    [(FULL, FULL, FULL), (FULL, NARROW, NARROW), (NARROW, GONE, GONE), (FULL, FULL, GONE), (GONE, FULL, GONE),
     (FORGET, FORGET, FORGET)],
)  # fmt: skip
def test_who_reads_later_may_be_told_less(told: tuple[dict[str, Any], ...]) -> None:
    *ways, at_last = ([event] for event in told)
    assert_one_feed(ways, at_last)


@pytest.mark.parametrize(
    "told",
    [
        (GONE, FULL, FULL),  # nothing comes back
        (NARROW, FULL, FULL),
        (FULL, entry({"number": "2"}), entry({"number": "2"})),
        (FULL, FULL | {"time": "another"}, FULL),
        (FULL, GONE | {"id": "2"}, GONE),
        (FORGET, GONE, GONE),  # a tombstone is never withheld
    ],
)
def test_but_nothing_else_and_never_more_again(told: tuple[dict[str, Any], ...]) -> None:
    *ways, at_last = ([event] for event in told)
    with pytest.raises(AssertionError):
        assert_one_feed(ways, at_last)


def test_nor_may_a_way_miss_an_entry() -> None:
    with pytest.raises(ValueError, match="shorter"):
        assert_one_feed([[FULL], []], [FULL])
