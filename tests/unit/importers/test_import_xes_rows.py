"""Events out of XES logs."""

from __future__ import annotations

import io

import pytest

from adapters.importers.errors import BrokenFileError
from adapters.importers.xes_file import XesFile

LOG = """<?xml version="1.0"?>
<log xmlns="http://www.xes-standard.org">
  <global scope="event"><string key="cost" value=""/></global>
  <string key="creator" value="us"/>
  <trace>
    <string key="concept:name" value="Case1"><string key="nested" value="no column"/></string>
    <event><string key="concept:name" value="Open"/>
      <date key="time:timestamp" value="2012-10-09T14:50:17+03:00"/></event>
    <event><string key="concept:name" value="Close"/><int key="cost" value="7"/></event>
  </trace>
  <trace>
    <string key="concept:name" value="Case2"/>
    <event><string key="concept:name" value="Open"/></event>
  </trace>
</log>"""


def read(log: str) -> list[dict[str, str]]:
    file = XesFile(io.BytesIO(log.encode()), "log.xes")
    return [dict(zip(file.columns, row.values, strict=True)) for row in file]


def test_an_event_is_a_row_and_its_trace_s_attributes_are_columns() -> None:
    rows = read(LOG)
    assert [(row["case:concept:name"], row["concept:name"], row["cost"]) for row in rows] == [
        ("Case1", "Open", ""),
        ("Case1", "Close", "7"),
        ("Case2", "Open", ""),
    ]
    assert rows[0]["time:timestamp"] == "2012-10-09T14:50:17+03:00"


def test_attributes_of_the_log_and_of_attributes_are_no_columns() -> None:
    assert not {"creator", "nested", "case:nested"} & set(read(LOG)[0])


def test_a_truncated_log_stops_the_file() -> None:
    with pytest.raises(BrokenFileError, match=r"file log\.xes, reason"):
        read(LOG[: len(LOG) // 2])


def test_what_is_no_xml_stops_the_file() -> None:
    with pytest.raises(BrokenFileError, match=r"not well-formed|syntax error"):
        read("case,activity\n1,2\n")


def test_entities_that_explode_are_refused() -> None:
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
        f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    with pytest.raises(BrokenFileError):
        read(f"{bomb}]><log><trace><event><string key='k' value='&j;'/></event></trace></log>")
