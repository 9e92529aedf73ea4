"""Rows out of text files, right ones and wrong ones."""

from __future__ import annotations

import pytest

from adapters.importers.csv_file import LONGEST_LINE
from adapters.importers.errors import BrokenFileError, EncodingError, MappingError
from tests.unit.importers.given_rows import rows_in, values_in


def test_the_header_names_the_columns_and_rows_are_numbered_from_one() -> None:
    rows = rows_in("a,b\n1,2\n3,4\n")
    assert [(row.seq, row.values) for row in rows] == [(1, ["1", "2"]), (2, ["3", "4"])]


def test_delimiter_and_quote_are_the_mapping_s() -> None:
    assert values_in("a;b\n'x;y';2\n", delimiter=";", quote="'") == [["x;y", "2"]]


def test_runs_of_blanks_may_cut() -> None:
    assert values_in(" id  date\n 00001 19970101\n", delimiter="whitespace") == [["00001", "19970101"]]


def test_without_a_header_the_mapping_names_the_columns() -> None:
    assert values_in("1,2\n", header=False, columns=("a", "b")) == [["1", "2"]]


def test_the_mapping_s_names_replace_the_header_s() -> None:
    assert values_in("x,y\n1,2\n", columns=("a", "b")) == [["1", "2"]]


def test_lines_before_the_header_are_skipped() -> None:
    assert values_in("Export of today\n\na,b\n1,2\n", skip_lines=2) == [["1", "2"]]


def test_blank_lines_are_no_rows() -> None:
    assert values_in("a,b\n\n1,2\n\n") == [["1", "2"]]


def test_a_quoted_value_may_span_lines() -> None:
    assert values_in('a,b\n"x\ny",2\n') == [["x\ny", "2"]]


def test_other_encodings_and_byte_order_marks_are_read() -> None:
    assert values_in("a\nção\n".encode("latin-1"), encoding="latin-1") == [["ção"]]
    assert values_in(b"\xef\xbb\xbfa\n1\n") == [["1"]]
    assert values_in("a\nção\n".encode("utf-16"), encoding="utf-16") == [["ção"]]


def test_an_unknown_encoding_is_told() -> None:
    with pytest.raises(MappingError, match="encoding utf-9"):
        rows_in("a\n1\n", encoding="utf-9")


def test_an_empty_file_has_no_columns_and_no_rows() -> None:
    assert rows_in("") == []


def test_a_row_with_too_many_or_too_few_columns_is_flawed_and_the_rest_goes_on() -> None:
    rows = rows_in("a,b\n1\n1,2,3\n1,2\n")
    assert [row.flaw for row in rows] == [
        "the row has 1 columns where there should be 2",
        "the row has 3 columns where there should be 2",
        None,
    ]


def test_bytes_of_another_encoding_flaw_their_row_and_are_kept() -> None:
    rows = rows_in(b"a,b\nS\xe3o,1\nx,2\n")
    assert [row.flaw for row in rows] == ["the row holds bytes that are not utf-8-sig", None]
    assert rows[0].values[0].encode("utf-8", "surrogateescape") == b"S\xe3o"


def test_bytes_that_fit_nothing_of_a_strict_encoding_stop_the_file() -> None:
    with pytest.raises(BrokenFileError, match="utf-16"):
        rows_in("a\n1\n".encode("utf-16") + b"\x00", encoding="utf-16")


def test_a_nul_flaws_its_row() -> None:
    assert [row.flaw for row in rows_in("a,b\nx\0,1\ny,2\n")] == ["the row holds a NUL character", None]


def test_a_row_of_many_megabytes_is_flawed_and_dropped() -> None:
    rows = rows_in("a,b\n" + "x" * (50 * LONGEST_LINE) + ",1\ny,2\n")
    assert [row.flaw for row in rows] == ["the row is longer than 1 MiB", None]
    assert rows[0].values == []


def test_a_field_too_long_for_a_column_is_flawed() -> None:
    rows = rows_in("a,b\n" + "x" * 200_000 + ",1\ny,2\n")
    assert rows[0].flaw is not None
    assert "field larger than field limit" in rows[0].flaw
    assert rows[1].values == ["y", "2"]


def test_a_badly_quoted_row_is_flawed() -> None:
    rows = rows_in('a,b\n"x"y,1\nz,2\n')
    assert [row.flaw is None for row in rows] == [False, True]


def test_a_quote_that_never_closes_stops_the_file_with_its_line() -> None:
    with pytest.raises(BrokenFileError, match="line 3, reason a quote opened there does not close"):
        rows_in('a,b\n1,2\n"x,3\n' + "y,4\n" * 10)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_a_header_in_another_encoding_stops_the_import_and_no_byte_of_it_is_told(encoding: str) -> None:
    with pytest.raises(EncodingError) as caught:
        rows_in("número,name\n1,Ana\n".encode(encoding))
    assert str(caught.value).isascii()
    assert ("UTF-16" in str(caught.value)) is (encoding != "latin-1")
