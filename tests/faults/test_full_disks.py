"""A disk that is full loses nothing that was acknowledged, and work goes on once there is room."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from adapters.daemon import is_alive
from adapters.ids import uuid7
from adapters.postgres.libpq import DatabaseRefusedError
from adapters.postgres.server import PostgresServer
from domain.decider import Command
from domain.errors import UnavailableError
from domain.execute import Context, Outcome
from tests.backend import Backend, order
from tests.conftest import Databases, create_pair
from tests.faults.needs import assert_once, issuer


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own; where nobody may mount one, tests/unit/test_group_commit.py tells of full disks."""
    with tempfile.TemporaryDirectory(prefix="relato-") as folder:
        place = Path(folder) / "small"
        place.mkdir()
        Path(folder).chmod(0o711)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=240m", "tmpfs", place], check=False, capture_output=True
        )
        if mounted.returncode:
            pytest.skip(f"no file system can be mounted: {mounted.stderr.decode().strip()}")
        place.chmod(0o711)
        yield place
        subprocess.run(["umount", place], check=True)


class TestFullDisk:
    def note(self, backend: Backend, customer_id: UUID, context: Context) -> Outcome:
        return backend.executor.execute(self.big_note(customer_id)[0], context)

    def test_a_ledger_that_cannot_grow_refuses_and_goes_on_when_there_is_room(
        self, server: PostgresServer, own: Databases, master: str, small_disk: Path
    ) -> None:
        """Only the ledger's tables lie on the full disk: the server stays up, the append is refused as a whole."""
        owner = server.data.stat()
        tables = small_disk / "tables"
        tables.mkdir()
        os.chown(tables, owner.st_uid, owner.st_gid)
        with psycopg.connect(server.dsn(), autocommit=True) as db:
            db.execute(f"create tablespace small location '{tables}'".encode())
        with psycopg.connect(own.owner, autocommit=True) as db:
            db.execute("alter table ledger.fact set tablespace small")
        ballast = small_disk / "ballast"
        try:
            with Backend.open(own.app, own.keys_app, master) as backend:
                customer_id, first = backend.customer(), issuer()
                self.note(backend, customer_id, first)
                fill_up(ballast)
                written, refused = self.until_refused(backend, customer_id)
                written.append(first.command_id)
                with pytest.raises(DatabaseRefusedError, match=r"nothing was written.*No space left on device"):
                    self.note(backend, customer_id, refused)
                assert_once(backend, own.app, written)
                ballast.unlink()
                assert not self.note(backend, customer_id, refused).repeated
                assert_once(backend, own.app, [*written, refused.command_id])
        finally:
            with psycopg.connect(own.owner, autocommit=True) as db:
                db.execute("alter table ledger.fact set tablespace pg_default")
            with psycopg.connect(server.dsn(), autocommit=True) as db:
                db.execute("drop tablespace small")

    def until_refused(self, backend: Backend, customer_id: UUID) -> tuple[list[UUID], Context]:
        written: list[UUID] = []
        while True:
            context = issuer()
            try:
                self.note(backend, customer_id, context)
            except DatabaseRefusedError:
                return written, context
            written.append(context.command_id)

    def test_a_server_that_cannot_write_its_log_loses_nothing_that_was_acknowledged(
        self, small_disk: Path, master: str
    ) -> None:
        """PostgreSQL goes down then; after the restart all that was acknowledged is there, and no batch by half."""
        with tempfile.TemporaryDirectory(prefix="relato-") as folder:
            Path(folder).chmod(0o711)
            server = PostgresServer(Path(folder) / "data", settings={"min_wal_size": "32MB", "max_wal_size": "64MB"})
            server.start()
            server.stop()
            subprocess.run(["mv", server.data / "pg_wal", small_disk], check=True)
            (server.data / "pg_wal").symlink_to(small_disk / "pg_wal")
            server.start()
            try:
                self.fill_the_log(server, create_pair(server), master, small_disk / "ballast")
            finally:
                server.kill()

    def fill_the_log(self, server: PostgresServer, own: Databases, master: str, ballast: Path) -> None:
        with Backend.open(own.app, own.keys_app, master) as backend:
            customer_id, written, postmaster = backend.customer(), list[UUID](), server.pid or 0
            fill_up(ballast)
            while True:
                batch = [self.big_note(customer_id) for _ in range(50)]
                try:
                    backend.executor.execute_all(batch)
                except UnavailableError:
                    break
                written += [context.command_id for _, context in batch]
                assert len(written) < 100_000
            ballast.unlink()
            server.start()
            is_alive(postmaster)  # reaped when it is not
            there = [event.command_id for event in backend.ledger.read(1, 200_000)]
            unknown = [context.command_id for _, context in batch]
            assert there in (written, [*written, *unknown])
            backend.executor.execute_all(batch)
            assert_once(backend, own.app, [*written, *unknown])

    def big_note(self, customer_id: UUID) -> tuple[Command, Context]:
        fields = {"interaction_id": uuid7(), "kind": "factual", "content": os.urandom(4_000).hex()}
        return order("interaction.take_note", customer_id=customer_id, **fields), issuer(timeout_s=2)


def fill_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError:
            pass
