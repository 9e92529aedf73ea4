"""A partner's documents and sandbox as files and lines: there from the first draft on, and read by others' tools."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from adapters.documents.contents import OpenTopics
from adapters.documents.feed import FeedDocuments
from domain.agreement.decider import Agreement
from domain.agreement.terms import Terms
from streams.inbound.types import TYPES
from tests.acceptance.program import Relato
from tests.documented import topics

SCRIPT = Path(__file__).with_name("feed_documents.mjs")
PACKAGES = ("@asyncapi/parser@3", "@seriousme/openapi-schema-validator@2")
NPM_S = 280
ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines.product_id", "lines.quantity"]}
CUSTOMERS = {"type": "crm.customer.registered.v1", "fields": ["name", "country"], "masks": {"name": "first_letter"}}
TERMS = {"purpose": "to deliver", "shows": [ORDERS, CUSTOMERS], "scope": "all"}

capability = pytest.mark.capability


@pytest.fixture(scope="module")
def partner(relato: Relato) -> str:
    return relato.make("partner.register", name="Luz", kind="supplier")


@pytest.fixture(scope="module")
def agreement(relato: Relato, partner: str) -> str:
    return relato.make("agreement.draft", partner_id=partner, terms=TERMS)


def sandbox(relato: Relato, partner: str, *options: object) -> list[dict[str, Any]]:
    told = relato.tell(
        "--role", "partner", "--as", partner, "tail", "--partner", partner, "--sandbox", "--json", *options
    )
    return [json.loads(line) for line in told.splitlines()]


@capability("C64")
def test_a_partner_builds_against_a_draft(relato: Relato, partner: str, agreement: str, tmp_path: Path) -> None:
    relato.tell("feed", "documents", agreement, "--out", tmp_path)
    schema = jsonschema_rs.validator_for(json.loads((tmp_path / "schemas.json").read_text()))
    events = sandbox(relato, partner)
    assert {event["type"] for event in events} >= {ORDERS["type"], CUSTOMERS["type"]}
    for event in events:
        schema.validate(event)
    assert sandbox(relato, partner, "--from", 31) == events[30:]
    assert (tmp_path / "schemas" / "crm.order.placed.v1.json").exists()


def test_what_is_not_theirs_or_cannot_be_written_is_refused_in_one_line(
    relato: Relato, partner: str, agreement: str, tmp_path: Path
) -> None:
    other = relato.make("partner.register", name="Sol", kind="supplier")
    (tmp_path / "file").write_text("")
    as_other = ("--role", "partner", "--as", other)
    wrong: tuple[tuple[object, ...], ...] = (
        (*as_other, "feed", "documents", agreement, "--out", tmp_path / "theirs"),
        ("feed", "documents", agreement, "--version", 2, "--out", tmp_path / "none"),
        ("feed", "documents", agreement, "--out", tmp_path / "file" / "below"),
        ("tail", "--sandbox"),
        (*as_other, "tail", "--partner", other, "--sandbox"),
        ("tail", "--partner", partner, "--sandbox", "--follow"),
    )
    for arguments in wrong:
        said = relato(*arguments)
        assert (said.status in (1, 2), said.err.count("\n")) == (True, 1), said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_the_formats_own_tools_read_the_documents(relato: Relato, partner: str, tmp_path: Path) -> None:
    if not (npm := shutil.which("npm")):
        pytest.skip("needs npm and node, for AsyncAPI's own parser and a validator of OpenAPI 3.1")
    expected: dict[str, list[str]] = {}
    for name, types in {"nothing": [], "some": ["partner.lead.v1"], "everything": [*TYPES]}.items():
        terms = {**TERMS, "accepts": [{"type": type_} for type_ in types]}
        drafted = relato.make("agreement.draft", partner_id=partner, terms=terms)
        relato.tell("feed", "documents", drafted, "--out", tmp_path / name)
        expected[name] = ["send", "send", *["receive"][: len(types)]]
        write(tmp_path / f"{name}-and-a-topic", terms, topics("olaria"))
        expected[f"{name}-and-a-topic"] = [*expected[name], "send", *["receive"][: len(types)]]
    write(tmp_path / "two-topics", terms, topics("olaria", ""), topics("luz", "127.0.0.1:9092", "SASL_PLAINTEXT"))
    expected["two-topics"] = [*expected[name], *["send", "receive"] * 2]
    shutil.copy(SCRIPT, tmp_path)
    install = [npm, "install", "--no-audit", "--no-fund", "--silent", *PACKAGES]
    subprocess.run(install, cwd=tmp_path, check=True, timeout=NPM_S, capture_output=True)
    asked = ["node", SCRIPT.name, *expected]
    judged = subprocess.run(asked, cwd=tmp_path, check=True, timeout=120, capture_output=True, text=True)
    assert json.loads(judged.stdout) == {
        name: {"actions": actions, "faults": [], "valid": True, "errors": []} for name, actions in expected.items()
    }


def write(folder: Path, terms: dict[str, Any], *open_topics: OpenTopics) -> None:
    """The documents of a partner that has these topics open."""
    agreement = Agreement(None, (Terms.model_validate(terms),), 1)
    folder.mkdir()
    found = FeedDocuments(UUID(int=7), agreement, 1, f"/relato/test/feeds/{UUID(int=7)}", open_topics)
    for name, document in (("asyncapi", found.asyncapi), ("openapi", found.openapi)):
        (folder / f"{name}.json").write_text(json.dumps(document))
