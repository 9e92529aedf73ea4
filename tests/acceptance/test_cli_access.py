"""On the command line too: whose rows are shown, and who read whose values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.program import Relato


@pytest.fixture
def running(quick: Relato) -> Iterator[Relato]:
    with quick.up():
        yield quick


def test_who_sees_their_own_or_their_teams_rows_sees_no_others_and_the_log_says_who_read(running: Relato) -> None:
    team = running.make("team.form", name="South")
    sam, tom = (running.make("employee.hire", name=name, team_id=team) for name in ("Sam", "Tom"))
    ana, rui = (
        running.make("customer.register", name=name, seller_id=seller) for name, seller in (("Ana", sam), ("Rui", tom))
    )
    as_sam = ("--as", sam, "--role", "marketing")
    own, of_team = (*as_sam, "--scope", "own"), (*as_sam, "--scope", "team")
    assert (
        running.tell(
            *own,
            "show",
            "customers",
            "--wait",
            running.do("customer.note_need", customer_id=ana, need="x")["token"],
            "--json",
        ).count("\n")
        == 1
    )
    assert running.tell(*of_team, "show", "customers", "--json").count("\n") == 2
    assert "Ana" in running.tell(*own, "history", ana)
    assert running(*own, "history", rui).status == 1
    assert "Rui" in running.tell(*of_team, "history", rui)
    for refused in (("show", "rfm"), ("show", "interactions")):
        assert running(*own, *refused).status == 1
    assert running("--role", "management", "--as", sam, "--scope", "team", "tail", "--from", "1").status == 1

    told = running.tell("audit", "access", ana)
    assert told.count(sam) == 3
    assert "Ana" not in told
    assert running.tell("audit", "access", rui).count(sam) == 2
    assert running.tell("audit", "verify").startswith("sound")
    assert running("--role", "sales", "audit", "access", ana).status == 1
