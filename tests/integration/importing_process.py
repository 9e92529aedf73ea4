"""An import in a process of its own, to be killed: ledger, keys, master key (hex), mapping, file, rejects."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from adapters.importers import Progress, run
from adapters.keys.master import MasterKey
from adapters.keys.vault import SealingVault
from adapters.postgres.import_progress import PostgresImportProgress
from adapters.postgres.key_store import PostgresContentStore, PostgresKeyStore
from adapters.postgres.ledger import PostgresLedger
from domain.catalogue import REGISTRY
from domain.execute import Executor


def tell(progress: Progress) -> None:
    print(progress.rows, flush=True)  # noqa: T201 the test reads how far it is


def main(arguments: list[str]) -> None:
    ledger_dsn, keys_dsn, master, mapping, file, rejects = arguments
    ledger, progress = PostgresLedger(ledger_dsn), PostgresImportProgress(ledger_dsn)
    keys, contents = PostgresKeyStore(keys_dsn), PostgresContentStore(ledger_dsn)
    vault = SealingVault(keys, contents, MasterKey(bytes.fromhex(master)))
    run(
        None,
        Path(file),
        Path(mapping),
        executor=Executor(ledger, vault, REGISTRY, clock=lambda: datetime.now(UTC)),
        ledger=ledger,
        vault=vault,
        progress=progress,
        actor="importer",
        rejects_path=Path(rejects),
        chunk_size=100,
        on_progress=tell,
    )
    for one in (ledger, progress, keys, contents):
        one.close()


if __name__ == "__main__":
    main(sys.argv[1:])
