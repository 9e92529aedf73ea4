"""A feed's events as records: all attributes of a CloudEvent, the subject as the key, and which entry it is of."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from streams.envelope import MalformedRecordError
from streams.feeds.entries import Reason
from streams.feeds.records import encode_told, identify_told, tag_of
from streams.tails import Held

SUBJECT = "8c1f0000-0000-4000-8000-000000000001"
EVENT = {
    "specversion": "1.0",
    "id": "7",
    "source": "/relato/test/feeds/x",
    "type": "crm.order.placed.v1",
    "subject": SUBJECT,
    "time": "2026-03-05T10:00:00.000000Z",
    "datacontenttype": "application/json",
    "feedseq": 7,
    "agreementversion": 2,
    "data": {"number": "2026-17", "city": "Évora"},
}
TAG = b"t" * 16


def derived(kind: str, text: str) -> UUID:
    return UUID(int=hash((kind, text)) % 2**128)


def test_every_attribute_is_a_header_and_the_data_are_the_value() -> None:
    row = encode_told(EVENT, 6, TAG)
    headers = dict(row.headers)
    told = {name: str(value).encode() for name, value in EVENT.items() if name not in ("data", "datacontenttype")}
    assert {name.removeprefix("ce_"): value for name, value in headers.items() if name.startswith("ce_")} == told
    assert headers["content-type"] == b"application/json"
    assert json.loads(row.value) == EVENT["data"]
    assert (row.key, row.partition, row.seq, row.position) == (SUBJECT.encode(), 0, 7, 7)


def test_where_no_subject_is_told_there_is_no_key() -> None:
    withheld = {name: value for name, value in EVENT.items() if name != "subject"}
    assert encode_told(withheld, 6, TAG).key == b""


def test_a_record_says_which_entry_it_is_of() -> None:
    row = encode_told(EVENT, 6, TAG)
    assert identify_told(0, 9, row.value, row.headers) == Held(0, 9, 7, 7, TAG, 6)


@pytest.mark.parametrize("lacking", ["ce_feedseq", "relato"])
def test_what_was_not_sent_by_a_relay_is_malformed(lacking: str) -> None:
    row = encode_told(EVENT, 6, TAG)
    with pytest.raises(MalformedRecordError):
        identify_told(0, 9, row.value, [one for one in row.headers if one[0] != lacking])


def test_another_fact_another_number_another_feed_have_other_tags() -> None:
    first, second = UUID(int=1), UUID(int=2)
    tag, elsewhere = tag_of(derived, first), tag_of(derived, second)
    tags = {tag(1, first, None), tag(2, first, None), tag(1, second, None), tag(1, first, Reason.ERASED)}
    assert len(tags | {elsewhere(1, first, None)}) == 5
    assert tag(1, first, None) == tag(1, first, None)
