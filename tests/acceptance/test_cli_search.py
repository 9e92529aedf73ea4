"""Search on the command line: over what the role may see, with workers and without, and through a rebuild."""

from __future__ import annotations

import json
from typing import Any

from tests.acceptance.program import Relato


def found(relato: Relato, *words: str, role: str = "administrator", scope: str = "all") -> list[dict[str, Any]]:
    told = relato.tell("--role", role, "--scope", scope, "search", *words, "--json")
    return [json.loads(line) for line in told.splitlines()]


def test_what_was_told_is_found_as_far_as_the_role_may_see_and_a_rebuild_finds_the_same(relato: Relato) -> None:
    ana = relato.make("customer.register", name="Ana Souza")
    relato.do("customer.add_contact_point", customer_id=ana, channel="telephone", value="+351 912 345 678")
    ticket = relato.make("ticket.open", customer_id=ana, summary="The printer smokes")
    assert [row["id"] for row in found(relato, "anna", "sousa")] == [ana]
    assert [row["id"] for row in found(relato, "00351 912-345-678")] == [ana]
    assert [row["id"] for row in found(relato, "printer", role="support")] == [ticket]
    assert found(relato, "printer", role="sales") == []
    assert found(relato, "printer", "--kind", "customer") == []
    assert "Ana Souza" in relato.tell("search", "souza")
    assert relato.tell("audit", "access", ana).count("command line") == 4
    assert "equal" in relato.tell("rebuild", "texts", "--workers", "2")
    assert [row["id"] for row in found(relato, "souza")] == [ana]
    assert [s["behind"] for s in relato.status()["services"] if s["service"] == "search"] == [0]


def test_who_was_erased_is_found_no_more_also_after_a_rebuild(relato: Relato) -> None:
    rui = relato.make("customer.register", name="Rui Quaresma")
    assert len(found(relato, "quaresma")) == 1
    relato.do("customer.erase", customer_id=rui)
    assert found(relato, "quaresma") == []
    relato.tell("rebuild", "texts", "--workers", "1", "--force")
    assert found(relato, "quaresma") == []


def test_what_cannot_be_searched_is_refused_in_a_line(relato: Relato) -> None:
    for arguments, status in (
        (("search",), 2),
        (("search", "?!"), 2),
        (("search", "a", "--kind", "order"), 2),
        (("--role", "partner", "search", "ana"), 1),
        (("--role", "sales", "--scope", "own", "search", "ana"), 2),
    ):
        said = relato(*arguments)
        assert said.status == status, said
        assert "Traceback" not in said.err
