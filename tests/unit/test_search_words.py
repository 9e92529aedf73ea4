"""What texts are found by: one form for every way of writing the same."""

from __future__ import annotations

import pytest

from projections.search.words import FEW_WORDS, FULL, LEAST, Asked, asked_of, folded, marks_of, words_of


def score(text: str, words: str) -> list[int]:
    """How much of each thing asked a text has, as a database adds it up."""
    marks = marks_of(text)
    return [sum(weight for mark, weight in one.marks.items() if mark in marks) for one in asked_of(words)]


def is_found(text: str, words: str) -> bool:
    return all(reached >= LEAST for reached in score(text, words))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("JOSÉ Müller", "jose muller"),
        ("Straße", "strasse"),
        ("Łódź Øystein Þór", "lodz oystein thor"),
        ("ﬁnal ①", "final 1"),
        ("İstanbul", "istanbul"),
        ("٠١٢", "012"),
        ("Jose\u0301", "jose"),
    ],
)
def test_case_accents_and_other_ways_of_writing_are_folded(text: str, plain: str) -> None:
    assert folded(text) == plain


def test_words_are_what_stands_between_signs_each_once() -> None:
    assert words_of(folded("O'Brien-Smith & O'Brien, 2nd_floor \ud800")) == ["o", "brien", "smith", "2nd", "floor"]
    assert marks_of("¿?!") == set()


@pytest.mark.parametrize(
    ("asked", "told"), [("sousa", "Ana Souza"), ("jonh", "John"), ("beatris", "Beatriz"), ("m", "M")]
)
def test_a_misspelt_name_is_found_and_counts_less_than_the_right_one(asked: str, told: str) -> None:
    assert is_found(told, asked)
    assert score(asked, asked) == [FULL]
    assert score(told, asked) < [FULL] or asked == "m"


@pytest.mark.parametrize(("asked", "told"), [("ana", "Rui Costa"), ("lima", "Salim"), ("ana souza", "Ana Costa")])
def test_another_name_is_not_found(asked: str, told: str) -> None:
    assert not is_found(told, asked)


def test_in_a_long_text_whole_words_are_found_and_similar_ones_are_not() -> None:
    text = " ".join(f"word{n}" for n in range(FEW_WORDS)) + " Oscilloscope"
    assert score(text, "oscilloscope") == [FULL]
    assert score(text, "oscilloskope") == [0]
    assert not any(mark.startswith("3:") for mark in marks_of(text))


@pytest.mark.parametrize("asked", ["Ana.Lima@Example.PT", "<ana.lima@EXAMPLE.pt>", "mailto:ana.lima@example.pt"])
@pytest.mark.parametrize("told", ["ana.lima@example.pt", "write to ANA.LIMA@example.pt, please " * 9])
def test_an_address_is_found_in_any_form_and_only_whole(asked: str, told: str) -> None:
    assert is_found(told, asked)
    assert not is_found("ana.lima@example.org", asked)
    assert not is_found("nana.lima@example.pt", asked)


@pytest.mark.parametrize("asked", ["912345678", "00351 912-345-678", "(+351) 912.345.678", "+351 (0)912 345678"])
@pytest.mark.parametrize("told", ["+351 912 345 678", "912 345 678", "call 912345678 tomorrow " * 9])
def test_a_number_is_found_in_any_form(asked: str, told: str) -> None:
    assert is_found(told, asked)
    assert not is_found("+351 912 345 679", asked)


def test_a_number_without_its_country_is_found_with_it_and_the_other_way_round() -> None:
    assert is_found("+45 12 34 56 78", "12345678")
    assert is_found("12 34 56 78", "+4512345678")
    assert not is_found("1234567", "99 1234567")


def test_a_question_is_its_addresses_numbers_and_words() -> None:
    assert [one.text for one in asked_of("Ana ana@x.pt 912 345 678 Lima 42 ana")] == [
        "ana@x.pt", "912 345 678", "ana", "lima", "42"]  # fmt: skip


@pytest.mark.parametrize("words", ["a", "ab", "ana", "souza", "constantinople", "912345678", "1234567", "a@b.pt"])
def test_what_is_whole_has_all_and_what_reaches_enough_has_a_probe(words: str) -> None:
    (one,) = asked_of(words)
    assert set(one.whole) & marks_of(words)
    assert sum(one.marks[mark] for mark in one.marks if mark in marks_of(words)) == FULL
    assert best_without(one, one.probes) < LEAST


def best_without(one: Asked, probes: object) -> int:
    """The most that a text can have of it without any probe; with the whole word it has them."""
    left = {mark: weight for mark, weight in one.marks.items() if mark not in list(probes)}  # type: ignore[call-overload]  # marks
    return sum(weight for mark, weight in left.items() if not mark.startswith("w:"))


@pytest.mark.timeout(20)  # it would be minutes
@pytest.mark.parametrize(
    "text",
    ["x" * 200_000, "1" * 200_000, "x." * 100_000, "1 " * 100_000, "a@" * 100_000, "a@b." * 50_000, "+(" * 100_000],
)
def test_no_text_takes_the_square_of_its_length(text: str) -> None:
    assert len(marks_of(text)) < 10_000
