"""Every error has a status, a code of its own and a text."""

from __future__ import annotations

from collections import Counter

from adapters.http.problems import (
    LONGEST_NAME,
    MOST_FAULTS,
    code_of,
    faults_of,
    known_problems,
    problem_of,
    status_of,
    title_of,
)
from domain.errors import OutcomeUnknownError, RefusedError, RelatoError, TooFarAheadError, VersionError


def test_every_known_error_can_be_told_apart() -> None:
    codes = Counter(code_of(error) for error in known_problems())
    assert max(codes.values()) == 1
    assert all(title_of(error) for error in known_problems())


def test_an_error_has_the_status_of_the_nearest_class_above_it() -> None:
    class NewRefusalError(RefusedError):
        """Not allowed either."""

    assert status_of(NewRefusalError) == status_of(RefusedError) == 409
    assert status_of(RelatoError) == 500


def test_a_problem_tells_the_errors_own_details() -> None:
    problem = problem_of(VersionError(expected=1, actual=2))
    assert problem.status == problem.members["status"] == 412
    assert problem.members["code"] == "version"
    assert problem.members["details"] == {"expected": 1, "actual": 2}
    assert code_of(TooFarAheadError) == "too-far-ahead"


def test_what_passes_says_when_to_come_again() -> None:
    assert problem_of(OutcomeUnknownError()).headers == {"Retry-After": "1"}


def test_a_fault_is_placed_by_a_json_pointer() -> None:
    faults = faults_of([{"loc": ("a/b", 0, "c~d"), "type": "missing", "msg": "Field required"}])
    assert faults == [{"pointer": "#/a~1b/0/c~0d", "detail": "is needed"}]


def test_of_two_faults_in_one_place_the_inner_one_is_told() -> None:
    faults = faults_of([{"loc": ("a", "b"), "type": "x", "msg": "inner"}, {"loc": ("a",), "type": "x", "msg": "outer"}])
    assert [fault["detail"] for fault in faults] == ["inner"]


def test_of_many_faults_the_first_are_told_with_the_beginnings_of_their_names() -> None:
    faults = faults_of([{"loc": ("n" * 1_000, n), "type": "x", "msg": "wrong"} for n in range(20_000)])
    assert len(faults) == MOST_FAULTS
    assert faults[1]["pointer"] == f"#/{'n' * LONGEST_NAME}/1"
