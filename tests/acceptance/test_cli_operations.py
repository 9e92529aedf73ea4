"""What operators do: run it, watch it, rebuild, back up, restore, prove."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.acceptance.mappings import SHOP
from tests.acceptance.program import Quick, Relato, made, one


def test_everything_runs_in_one_terminal_until_ctrl_c_and_leaves_nothing_behind(fresh: Relato) -> None:
    with fresh.up() as process:
        token = fresh.do("customer.register", name="Ana")["token"]
        assert one(fresh.rows("customers", "--wait", token))["name"] == "Ana"
        status = fresh.status()
        assert (status["position"], {service["workers"] for service in status["services"]}) == (1, {1})
        children = psutil.Process(process.pid).children(recursive=True)
        folds = next(child for child in children if "marketing" in child.cmdline())
        folds.kill()  # it is started again
        psutil.Process(_postmaster(fresh.home)).send_signal(signal.SIGQUIT)  # and PostgreSQL itself
        _await(lambda: "PostgreSQL had ended; it runs again" in (fresh.folder / "up.log").read_text())
        token = fresh.do("customer.register", name="Bia")["token"]
        _await(lambda: len(fresh.rows("customers", "--wait", token)) == 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert not [child for child in children if child.is_running()]
    assert not _processes_of(fresh.home)
    assert "marketing ended (SIGKILL)" in (fresh.folder / "up.log").read_text()


def test_children_end_with_a_supervisor_that_was_killed(fresh: Relato) -> None:
    with fresh.up() as process:
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        psutil.wait_procs(children, timeout=30)
        assert not [child for child in children if child.is_running()]


def test_logs_hold_nothing_personal(fresh: Relato) -> None:
    with fresh.up():
        customer = fresh.make("customer.register", name="Fabiana Quitéria")
        fresh.do("customer.erase", customer_id=customer)
        time.sleep(2)
    logs = [path.read_text() for path in (fresh.home / "logs").iterdir()] + [(fresh.home / "postgres.log").read_text()]
    assert not any("Fabiana" in log for log in logs)
    assert all(json.loads(line) for log in logs[:-1] for line in log.splitlines())


def _await(holds: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def _processes_of(home: Path) -> list[str]:
    found = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [" ".join(command) for command in found if str(home) in " ".join(command)]


@pytest.fixture(scope="module")
def customer(relato: Relato) -> str:
    customer = relato.make("customer.register", name="Ana Souza")
    relato.do("ticket.open", customer_id=customer, summary="dark")
    return customer


def test_a_read_model_is_rebuilt_compared_switched_and_rolled_back(relato: Relato, customer: str) -> None:
    for _ in range(2):  # the table that was compared is gone again
        compared = relato.tell("rebuild", "customer_profile", "--compare-only")
        assert "customer_profile_1_2 has" in compared
        assert "equal" in compared
    assert [service["stopped"] for service in relato.status()["services"]] == [[]] * 6
    told = relato.tell("rebuild", "customer_profile", "--workers", "2")
    assert "equal" in told
    assert one(relato.rows("customers", customer_id=customer))["name"] == "Ana Souza"
    assert "customer_profile_1 again" in relato.tell("rebuild", "customer_profile", "--rollback")
    assert relato.tell("parked", "list").splitlines()[1:] == []
    assert "0 facts still parked" in relato.tell("parked", "retry")


def test_the_ledger_is_proven_and_a_customers_bundle_is_verified_offline(relato: Relato, customer: str) -> None:
    said = relato("audit", "checkpoint")
    key = said.err.split("verifier key ")[1].strip()
    assert relato.tell("audit", "verify").startswith("sound: ")
    bundle = relato.folder / "ana.json"
    relato.tell("audit", "export", customer, "-o", bundle)
    nowhere = {"RELATO_HOME": str(relato.folder / "none")}
    assert relato.tell("audit", "verify", "--bundle", bundle, "--key", key, **nowhere).startswith("proven: 2 facts")
    assert "Ana" not in bundle.read_text()
    whole = json.loads(bundle.read_text())
    for rows in (whole[0]["rows"][1:], whole[0]["rows"][:-1]):  # its beginning is missing, its end is
        bundle.write_text(json.dumps([{**whole[0], "rows": rows}]))
        said = relato("audit", "verify", "--bundle", bundle, "--key", key)
        assert said.status == 1
    assert "left off the end" in said.out


def test_a_file_is_imported_once_and_what_is_rejected_is_kept(relato: Relato) -> None:
    (relato.folder / "shop.toml").write_text(SHOP + 'kind = { column = "kind" }\n')
    (relato.folder / "shop.csv").write_text("customer,name,kind\n1,Ada,person\n2,Bo,robot\n")
    import_it = ("import", "shop.csv", "--mapping", "shop.toml")
    assert "1 facts would be recorded" in relato.tell(*import_it, "--dry-run")
    said = relato(*import_it)
    assert (said.status, "1 facts recorded" in said.out) == (0, True)
    assert "Bo" in (relato.folder / "shop.csv.rejects.csv").read_text()
    assert "nothing to do" in relato.tell(*import_it)
    assert one(relato.rows("customers", name="Ada"))["kind"] == "person"
    assert "online-retail" in relato.tell("import", "--list")


def test_the_doctor_finds_everything_fine(relato: Relato) -> None:
    assert "master key\tfine" in relato.tell("doctor")


def test_the_tail_shows_the_ledger_as_the_role_may_see_it(relato: Relato, customer: str) -> None:
    assert "Ana Souza" in relato.tell("tail", "--from", "1", "--type", "crm.customer.*")
    assert customer in relato.tell("--role", "auditor", "tail", "--from", "1", "--json")
    assert relato("--role", "sales", "tail").status == 1


def test_the_tail_shows_a_department_what_it_follows(relato: Relato, customer: str) -> None:
    told = relato.tell("--role", "sales", "tail", "--department", "sales", "--from", "1", "--json")
    assert customer in told
    assert "Ana Souza" in told
    assert "crm.partner." not in told
    assert relato("--role", "sales", "tail", "--department", "support").status == 1
    assert relato("--role", "sales", "tail", "--department", "kitchen").status == 1


def test_the_tail_follows_until_ctrl_c(relato: Relato) -> None:
    process = subprocess.Popen(
        relato.command("tail", "--follow", "--json"), stdout=subprocess.PIPE, text=True, env=relato.environment
    )
    try:
        relato.do("partner.register", name="Luz", kind="supplier")
        assert process.stdout is not None
        assert any("Luz" in line for line in iter(process.stdout.readline, "")) is True
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_withheld_values_are_named_and_erased_ones_too(relato: Relato) -> None:
    customer = relato.make("customer.register", name="Rui")
    relato.do("customer.note_need", customer_id=customer, need="lamps", note="for the children's room")
    told = relato.history(customer, role="auditor")
    assert (told[0]["fact"]["name"], told[1]["fact"]["note"], told[1]["_withheld"]) == ("Rui", None, ["fact.note"])
    assert "(withheld)" in relato.tell("--role", "auditor", "history", customer)


def test_a_restored_backup_keeps_the_erased_erased(quick: Relato) -> None:
    """The drill: back up, erase one, lose everything but the master key's directory; restore; then restore over it."""
    earlier = quick.make("customer.register", name="Ana Souza")
    quick.do("customer.erase", customer_id=earlier)
    erased, kept = quick.make("customer.register", name="Bia Lima"), quick.make("customer.register", name="Caio Reis")
    backup = quick.folder / "backup"
    assert str(quick.home / "secrets" / "master.key") in quick("backup", backup).err
    assert oct(backup.stat().st_mode & 0o777) == "0o700"
    quick.do("customer.erase", customer_id=erased)
    with made(Quick) as other:
        other.home.mkdir(mode=0o711)
        shutil.copytree(quick.home / "secrets", other.home / "secrets")
        for options in ((), ("--over",)):
            assert "erased again: 1 persons" in other.tell("restore", backup, *options)
            names = {row["customer_id"]: row["name"] for row in other.rows("customers")}
            assert names == {earlier: None, erased: None, kept: "Caio Reis"}
            assert other.tell("audit", "verify").startswith("sound: 4 rows")
            assert other.tell("feed", "list", "--json") == ""
        other.do("customer.amend", customer_id=kept, name="Caio R.")  # life goes on
        assert other("restore", backup).status == 1
    with made(Quick) as third:  # without the file of tombstones, it is given
        (third.home / "secrets").mkdir(parents=True)
        third.home.chmod(0o711)
        shutil.copy2(quick.home / "secrets" / "master.key", third.home / "secrets")
        third.tell("restore", backup, "--tombstones", quick.home / "secrets" / "erased")
        assert {row["name"] for row in third.rows("customers")} == {None, "Caio Reis"}


def test_a_damaged_backup_or_another_master_key_leaves_all_as_it_was(quick: Relato) -> None:
    quick.do("customer.register", name="Ana Souza")
    backup = quick.folder / "backup"
    quick.tell("backup", backup)
    assert quick("backup", backup).status == 1
    with made(Quick) as other:
        other.do("partner.register", name="Luz", kind="supplier")
        said = other("restore", backup, "--over")
        assert (said.status, "master key" in said.err) == (1, True)
        with (backup / "keys.dump").open("ab") as file:
            file.write(b"x")
        said = other("restore", backup, "--over")
        assert (said.status, "keys.dump" in said.err) == (1, True)
        assert one(other.rows("partners"))["name"] == "Luz"


def test_another_master_key_opens_all_that_is_there_and_the_old_one_the_backups_made_before(quick: Relato) -> None:
    quick.do("customer.register", name="Ana Souza")
    backup, key_file = quick.folder / "backup", quick.home / "secrets" / "master.key"
    quick.tell("backup", backup)
    alone = quick("key", "rotate-master", RELATO_MASTER_KEY=key_file.read_text())
    assert (alone.status, "put a new key before the one in" in alone.err) == (1, True)
    quick.tell("key", "rotate-master", "--prepare")
    assert "not finished" in quick("doctor").out
    said = quick("key", "rotate-master")
    assert (said.status, said.out) == (0, "3 keys are wrapped by the new master key\n")  # Ana's and two secrets
    quick.do("customer.register", name="Bia Lima")
    assert {row["name"] for row in quick.rows("customers")} == {"Ana Souza", "Bia Lima"}
    [retired] = [file for file in key_file.parent.iterdir() if file.name.startswith("master.key.")]
    assert str(retired) in said.err
    with made(Quick) as other:
        (other.home / "secrets").mkdir(parents=True)
        other.home.chmod(0o711)
        shutil.copy2(key_file, other.home / "secrets")
        assert "master key" in other("restore", backup).err
        with (other.home / "secrets" / "master.key").open("a") as file:
            file.write(retired.read_text())
        other.tell("restore", backup)
        assert one(other.rows("customers"))["name"] == "Ana Souza"
        assert other.tell("key", "rotate-master").startswith("3 keys")
        assert one(other.rows("customers"))["name"] == "Ana Souza"


def test_help_is_there_at_once_and_for_every_command(relato: Relato) -> None:
    times = []
    for _ in range(3):
        before = os.times()
        relato.tell("--help")
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(times) < 0.7
    for command in ("do", "show", "history", "import", "tail", "audit", "up", "run", "status", "doctor", "rebuild",
                    "parked", "republish", "backup", "restore"):  # fmt: skip
        assert f"relato {command}" in Quick(relato.folder).tell(command, "--help")
