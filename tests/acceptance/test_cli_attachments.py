"""Files that belong to something, on the command line: in, listed, out, and away."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.acceptance.program import Relato

PDF = b"%PDF-1.7\n" + os.urandom(1_500_000)


@pytest.fixture
def running(quick: Relato) -> Iterator[Relato]:
    with quick.up():
        yield quick


def test_a_file_goes_in_is_listed_comes_out_and_is_gone_with_its_person(running: Relato) -> None:
    ana = running.make("customer.register", name="Ana Lima")
    ticket = running.make("ticket.open", customer_id=ana)
    (running.folder / "wheel.pdf").write_bytes(PDF)
    attachment = running.tell("attachment", "add", "ticket", ticket, "wheel.pdf").strip()
    (told,) = map(json.loads, running.tell("attachment", "list", "ticket", ticket, "--json").splitlines())
    assert (told["attachment_id"], told["name"], told["size"]) == (attachment, "wheel.pdf", len(PDF))
    assert "wheel.pdf" in running.tell("history", ana)
    save = ("attachment", "save", "ticket", ticket, attachment)
    assert running(*save).status == 2  # it is never written over
    running.tell(*save, "copy.pdf")
    assert (running.folder / "copy.pdf").read_bytes() == PDF
    assert running("--role", "sales", *save, "no.pdf").status == 1
    assert running("--role", "auditor", "attachment", "add", "ticket", ticket, "wheel.pdf").status == 1
    assert running("--role", "sales", "attachment", "add", "ticket", ticket, "wheel.pdf").status == 1
    assert running("--role", "sales", "do", "attachment.remove", "--attachment-id", attachment).status == 1
    assert "wheel.pdf" not in running.tell("--role", "sales", "history", ana)
    marketing = running("--role", "marketing", "history", ana)
    assert "ticket.opened" not in marketing.out
    assert "1 more are not for the role marketing" in marketing.err
    (running.folder / "page.html").write_text("<script>")
    assert running("attachment", "add", "ticket", ticket, "page.html").status == 1
    running.do("customer.erase", customer_id=ana)
    assert "erased" in running(*save, "gone.pdf").err
    assert not (running.folder / "gone.pdf").exists()
    running.do("attachment.remove", attachment_id=attachment)
    assert running.tell("attachment", "list", "ticket", ticket, "--json") == ""
