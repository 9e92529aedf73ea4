"""Bad input: one line that says what to do, an exit status that is not 0, no stack trace, nothing half written."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.server import PostgresServer
from tests.acceptance.program import Relato, Said

UNKNOWN = "0199b0c2-0000-7000-8000-000000000001"
LOG = ("do", "interaction.log", "--customer-id", UNKNOWN, "--channel", "email", "--direction", "inbound")


def refused(said: Said, status: int, *words: str) -> None:
    assert said.status == status, said
    assert all(line.startswith("relato: ") for line in said.err.splitlines()), said.err
    assert not said.out
    assert "Traceback" not in said.err
    for word in words:
        assert re.search(word, said.err), said.err


WRONG_USE = {
    "unknown command": (("do", "customer.fly"), "No such command"),
    "unknown field": (("do", "customer.register", "--nme", "x"), "No such option.*--name"),
    "wrong type": (("do", "customer.register", "--kind", "robot"), "--kind: .*'person' or 'company'"),
    "missing field": (("do", "contract.sign", "--customer-id", UNKNOWN), "--number: is needed"),
    "missing id": (("do", "customer.amend", "--country", "PT"), "--customer-id: is needed"),
    "naive time": (("do", "customer.register", "--occurred-at", "2026-01-01T10:00"), "needs its offset"),
    "unknown currency": (("do", "product.register", "--name", "x", "--price", "1 XXX"), "ISO 4217"),
    "too many digits": (("do", "product.register", "--name", "x", "--price", "1.234 EUR"), "too many digits"),
    "broken JSON": (("do", "order.place", "--number", "1", "--currency", "EUR", "--lines", "[{"), "--lines: .*JSON"),
    "no such file": (("do", "customer.register", "--name", "@nowhere"), "no such file"),
    "invalid UTF-8": (("do", "customer.register", "--name", "caf\udce9"), "UTF-8"),
    "unknown column": (("show", "customers", "--filter", "nome=x"), "no column nome"),
    "unknown role": (("--role", "king", "status"), "--role"),
    "unknown service": (("run", "folds", "--service", "warehouse"), "no service"),
    "a partner without its id": (("--role", "partner", "show", "products"), "--as"),
    "no id": (("history", "Ana"), "UUID"),
}
REFUSALS = {
    "time far ahead": (("do", "customer.register", "--occurred-at", "2099-01-01T10:00Z"), "too far ahead"),
    "unknown id": (("do", "order.cancel", "--order-id", UNKNOWN), UNKNOWN),
    "unknown history": (("history", UNKNOWN), UNKNOWN),
    "unknown view": (("show", "weather"), "relato show"),
    "unknown read model": (("rebuild", "weather"), "pipeline"),
    "value that does not fit": (("show", "customers", "--filter", "registered_at>=soon"), "does not fit"),
    "unknown token": (("show", "customers", "--wait", "soon"), "token"),
    "no Kafka": (("republish", "crm.events.v1"), "--kafka"),
    "unknown topic": (("republish", "weather"), "crm.events.v1"),
    "unknown format": (("import", "weather", "x.csv"), "cdnow"),
    "no PostgreSQL": (("--database", "postgresql://127.0.0.1:1/relato", "status"), "does not answer"),
    "no database address": (("--database", "nonsense", "status"), "postgresql://"),
    "no backup": (("restore", "nowhere"), "no complete backup"),
    "no bundle": (("audit", "verify", "--bundle", "nowhere"), "no such file"),
    "a role's limits": (("--role", "partner", "history", UNKNOWN), "partner may not"),
    "a service's limits": (("--role", "sales", "show", "timeline"), "sales does not see"),
    "a reader who writes": (("--role", "auditor", "do", "customer.register"), "auditor may not"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG_USE.values(), ids=WRONG_USE)
def test_wrong_use_is_told_in_a_line_with_status_2(relato: Relato, arguments: tuple[str, ...], words: str) -> None:
    refused(relato(*arguments), 2, words)


@pytest.mark.parametrize(("arguments", "words"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_told_in_a_line_with_status_1(relato: Relato, arguments: tuple[str, ...], words: str) -> None:
    refused(relato(*arguments), 1, words)


def test_a_stale_version_and_a_repeat_with_another_content_are_refused(relato: Relato) -> None:
    first = relato.do("customer.register", name="Ana", id="ana")
    assert relato.do("customer.register", name="Ana", id="ana") | {"repeated": False, "version": 1} == first
    refused(relato("do", "customer.register", "--name", "Eva", "--id", "ana"), 1, "another content")
    stale = ("--customer-id", first["ids"]["customer_id"], "--country", "PT", "--expected-version", 7)
    refused(relato("do", "customer.amend", *stale), 1, "moved on")


def test_a_key_is_the_principals_own(relato: Relato) -> None:
    first = relato.do("customer.register", name="Bia", id="same")
    said = relato.tell("--as", "another", "do", "customer.register", "--name", "Caio", "--id", "same", "--json")
    assert first["ids"]["customer_id"] not in said


def test_what_is_too_large_is_refused_and_what_is_large_is_kept(relato: Relato, tmp_path: Path) -> None:
    customer = relato.make("customer.register")
    log = (*LOG[:3], customer, *LOG[4:])
    for size, status in ((50_000_000, 2), (17_000_000, 1), (300_000, 0)):
        (tmp_path / "content").write_text("ã" * (size // 2))
        said = relato(*log, "--content", f"@{tmp_path / 'content'}")
        assert said.status == status, said
    assert len(relato.history(customer)[-1]["fact"]["content"]) == 150_000


def test_personal_values_are_not_repeated_in_errors(relato: Relato) -> None:
    said = relato("do", "customer.register", "--name", "Secreta" * 40, "--kind", "robot")
    assert said.status == 2
    assert "Secreta" not in said.err


def test_a_missing_master_key_is_told(fresh: Relato) -> None:
    fresh.do("customer.register", name="Ana")
    key = fresh.home / "secrets" / "master.key"
    key.rename(key.with_name("elsewhere"))
    refused(fresh("show", "customers"), 1, "master key is missing")
    key.write_text("c2hvcnQ=\n")
    key.chmod(0o600)
    refused(fresh("show", "customers"), 1, "32 bytes")
    key.chmod(0o644)
    refused(fresh("show", "customers"), 1, "chmod 600")


def test_an_older_release_on_a_newer_database_is_told(fresh: Relato) -> None:
    fresh.do("customer.register", name="Ana")
    with PostgresServer(fresh.home / "postgres") as server, psycopg.connect(server.dsn("relato")) as db:
        db.execute("insert into public.migration (name) values ('9999_future.sql')")
    refused(fresh("status"), 1, "newer release")


def test_kafka_without_java_is_told(relato: Relato) -> None:
    said = relato("up", "--kafka", PATH=str(relato.folder))
    assert said.status == 1
    assert re.search(r"^relato: .*Java 17", said.err)


def test_a_full_disk_is_told(relato: Relato) -> None:
    customer = relato.make("customer.register")
    refused(relato("audit", "export", customer, "-o", "/dev/full"), 1, "disk is full")


def test_an_output_that_nobody_reads_on_is_no_error(relato: Relato) -> None:
    said = relato("do", "--list")
    assert said.status == 0
    assert "customer.register" in said.out
