"""`relato backup` and `relato restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.installation import deployment_of
from adapters.cli.terminal import note, print_line


def backup(ctx: typer.Context, directory: Annotated[Path, typer.Argument(help="It must not exist yet.")]) -> None:
    """Write the ledger, the keys and a manifest to a directory. Everything may go on meanwhile.

    Read models are not in it: they are folded again. Nor is the master key: keep it, and the file of tombstones beside
    it, in another place, for with the backup alone nothing personal can be read.

        relato backup /backups/2026-03-31
    """
    saved = deployment_of(ctx, "operates").backup(directory)
    print_line(f"position {saved.position}, {saved.size_bytes / 2**20:.1f} MiB in {saved.directory}")
    note(f"the master key is not in it: {saved.master_key}")


def restore(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(help="What `relato backup` wrote.")],
    *,
    over: Annotated[bool, typer.Option("--over", help="Replace an installation that holds facts.")] = False,
    tombstones: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Who else was erased since, an id on each line.")
    ] = None,
) -> None:
    """Restore a backup into an empty installation, or over one. Who was erased since then stays erased.

    Their keys are destroyed again by what the present key database, the file of tombstones (RELATO_TOMBSTONES_FILE, by
    default beside the master key) and --tombstones say, and by the erasures in the restored ledger.

        relato --home /new restore /backups/2026-03-31
    """
    done = deployment_of(ctx, "operates").restore(directory, over=over, tombstones=tombstones)
    print_line(f"position {done.position}, as it was at {done.made_at:%Y-%m-%d %H:%M:%S} UTC")
    print_line(
        f"erased again: {done.erased} persons whose keys the backup held, {done.erasures} erasures of the ledger"
    )
    note("read models are folded again from the first fact: start `relato up`")
