"""Backup and restore: the ledger, the keys, and a manifest; read models are not in it, they are folded again.

Order matters. The ledger is dumped before the keys, so that every fact has its keys. Restored keys are destroyed again
for everyone whom the present key database, the file of tombstones, or a file that is given, knows to be erased.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from adapters.cli.app import read_version
from adapters.cli.installation import Restored, Saved
from adapters.keys.tombstones import TombstoneFile
from adapters.postgres import backup as postgres
from adapters.postgres.feed_desk import NAME as FEEDS
from adapters.postgres.migrate import create_roles_and_databases, migrate
from deploy.settings import Settings
from deploy.wiring import MIGRATIONS, Databases, Installation
from domain.errors import RelatoError
from streams.eraser import NAME as ERASER

LEDGER_FILE, KEYS_FILE, MANIFEST = "ledger.dump", "keys.dump", "manifest.json"
SCHEMAS = ("ledger", "access", "feeds", "public")  # what cannot be folded again; public: which migrations were made


class BackupExistsError(RelatoError):
    """The directory is not empty; name one that does not exist yet."""


class NoBackupError(RelatoError):
    """The directory holds no complete backup."""


class DamagedError(RelatoError):
    """A file of the backup is not the one that was written; take another backup."""


class NotEmptyError(RelatoError):
    """The installation holds facts already; restore into an empty one, or give --over to replace all that it holds."""


class Manifest(BaseModel):
    """What a backup consists of; `master_key` says where it is, it is never in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["relato-backup"] = "relato-backup"
    version: Literal[1] = 1
    made_by: str
    made_at: AwareDatetime
    position: int
    checkpoint: str | None
    verifier_key: str
    master_key: str
    files: dict[str, str]


def backup(settings: Settings, directory: Path) -> Saved:
    """Whole or not at all."""
    if directory.exists() and any(directory.iterdir()):
        raise BackupExistsError(directory=directory)
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        with Installation(settings) as installation:
            saved = _write(installation, partial)
        if directory.exists():
            directory.rmdir()
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return saved._replace(directory=directory)


def _write(installation: Installation, directory: Path) -> Saved:
    places, settings = installation.databases, installation.settings
    head = installation.checkpointer.cover_all()
    with postgres.snapshot(places.ledger_owner) as (name, position):
        postgres.dump(places.ledger_owner, SCHEMAS, directory / LEDGER_FILE, snapshot=name)
    postgres.dump(places.keys_owner, ["keys", "public"], directory / KEYS_FILE)
    manifest = Manifest(
        made_by=f"relato {read_version()}",
        made_at=datetime.now(UTC),
        position=position,
        checkpoint=head.note,
        verifier_key=str(installation.checkpointer.verifier),
        master_key="RELATO_MASTER_KEY" if settings.master_key else str(settings.key_file.absolute()),
        files={name: _digest(directory / name) for name in (LEDGER_FILE, KEYS_FILE)},
    )
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    size = sum(file.stat().st_size for file in directory.iterdir())
    return Saved(directory, position, size, manifest.master_key)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def read_manifest(directory: Path) -> Manifest:
    """Raises DamagedError when a file is not the one it names."""
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError, json.JSONDecodeError) as error:
        raise NoBackupError(directory=directory) from error
    for name, digest in manifest.files.items():
        if not (directory / name).is_file() or _digest(directory / name) != digest:
            raise DamagedError(file=directory / name)
    return manifest


def restore(settings: Settings, directory: Path, *, over: bool, tombstones: Path | None) -> Restored:
    """Beside what is there, and only when all is well in its place."""
    manifest = read_manifest(directory)
    erased = TombstoneFile(settings.tombstones).read()
    if tombstones:
        erased |= TombstoneFile(tombstones.resolve(strict=True)).read()
    with Installation(settings) as installation:
        # not the databases themselves: whoever is connected to one cannot give it another name
        given = make_conninfo(settings.database or "", dbname="postgres")
        server = installation.server.dsn() if installation.server else given
        erased |= _present_tombstones(server, installation.places, over=over)
        created = _load(server, installation.places, directory)
        try:
            destroyed = _make_ready(settings, created, erased)
            pairs = zip(_owners(created), _owners(installation.places), strict=True)
            replaced = postgres.exchange(server, {_name(new): _name(old) for new, old in pairs})
        except BaseException:
            postgres.drop(server, [_name(dsn) for dsn in _owners(created)])
            raise
        postgres.drop(server, replaced)
    TombstoneFile(settings.tombstones).add(sorted(erased - TombstoneFile(settings.tombstones).read()))
    with Installation(settings) as installation:  # the erasures that the ledger knows of are carried out again
        return Restored(manifest.position, manifest.made_at, destroyed, installation.eraser.run_once())


def _present_tombstones(server: str, places: Databases, *, over: bool) -> set[UUID]:
    ledger, keys = (_name(dsn) for dsn in _owners(places))
    if postgres.exists(server, ledger) and (position := postgres.last_position(places.ledger_owner)) and not over:
        raise NotEmptyError(facts=position)
    return postgres.read_tombstones(places.keys_owner) if postgres.exists(server, keys) else set()


def _load(server: str, places: Databases, directory: Path) -> Databases:
    """Two new databases with what the backup holds."""
    create_roles_and_databases(server, [])
    created = Databases(*(make_conninfo(dsn, dbname=f"{_name(dsn)}_restored") for dsn in places))
    for dsn, file in zip(_owners(created), (LEDGER_FILE, KEYS_FILE), strict=True):
        postgres.create(server, _name(dsn))
        postgres.load(dsn, directory / file)
    return created


def _make_ready(settings: Settings, created: Databases, erased: set[UUID]) -> int:
    """Migrated, the erased erased again, and opened by our master key; answers whose keys were destroyed."""
    of_feeds = [file.name for file in (MIGRATIONS / "ledger").glob("*.sql") if " feeds." in file.read_text()]
    postgres.forget_if_missing(created.ledger_owner, "feeds", of_feeds, FEEDS)
    migrate(created.ledger_owner, MIGRATIONS / "ledger")
    migrate(created.keys_owner, MIGRATIONS / "keys")
    destroyed = postgres.destroy_keys(created.keys_owner, erased)
    postgres.forget_progress(created.ledger_owner, ERASER)
    with Installation(settings, databases=created) as trial:
        _ = trial.vault  # opens what is being restored with the master key that is here
    return destroyed


def _owners(places: Databases) -> tuple[str, str]:
    return places.ledger_owner, places.keys_owner


def _name(dsn: str) -> str:
    found: Mapping[str, object] = conninfo_to_dict(dsn)
    return str(found["dbname"])
