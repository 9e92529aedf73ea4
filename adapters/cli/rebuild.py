"""`relato rebuild`: a read model folded again beside the live one, compared, and put in its place."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from typing import Annotated

import typer

from adapters.cli.freshness import freshen
from adapters.cli.installation import Installation, deployment_of
from adapters.cli.models import service_of
from adapters.cli.terminal import print_line
from domain.errors import RelatoError
from projections.engine.compare import Comparison
from projections.engine.readmodel import Service
from projections.engine.rebuild import rebuild
from projections.engine.schema import start_over
from projections.engine.switch import roll_back, switch


class DifferentError(RelatoError):
    """The rebuilt table differs from the live one of the same version; readers still see the live one. --force shows
    them the new one.
    """


def rebuild_model(
    ctx: typer.Context,
    read_model: Annotated[str, typer.Argument(help="Its name.")],
    *,
    workers: Annotated[int, typer.Option(min=1, max=64, help="So many processes.")] = min(2, os.cpu_count() or 1),
    compare_only: Annotated[bool, typer.Option("--compare-only", help="Fold and compare; then drop it again.")] = False,
    begin_again: Annotated[
        bool, typer.Option("--start-over", help="Drop all that its service has folded, and begin with the first fact.")
    ] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Back to the table that was live before.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Switch although the tables differ.")] = False,
) -> None:
    """Fold a read model again from the first fact beside the live one, compare the two, then show readers the new one.

    The one that was live is folded on, so that --rollback loses nothing. After the ledger was restored to an earlier
    point there is nothing to compare with: --start-over empties all of the service's read models and fills them again.

        relato rebuild pipeline --workers 2
    """
    deployment = deployment_of(ctx, "operates")
    service = service_of(deployment, read_model)
    with deployment.open() as installation:
        if begin_again:
            with closing(installation.connect(service.name)) as db:
                start_over(db, service)
            print_line(f"{service.name} begins again with the first fact")
        freshen(installation, service, None)
        if begin_again:
            return
        if rollback:
            with closing(installation.connect(service.name)) as db:
                print_line(f"readers see {roll_back(db, service, read_model).table} again")
            return
        _rebuild(installation, service, read_model, workers, is_switched=not compare_only, force=force)


def _rebuild(
    installation: Installation, service: Service, name: str, workers: int, *, is_switched: bool, force: bool
) -> None:
    connect = partial(installation.connect, service.name)
    build_beside = partial(rebuild, service, [name], connect=connect, open_log=installation.open_log)
    done = build_beside(processes=workers, is_trial=not is_switched)
    is_same_version = False
    for build, comparison in done:
        if comparison is not None:
            _describe(comparison)
            is_same_version = comparison.old.startswith(f"{name}_{build.model.version}")
            if is_same_version and not comparison.is_equal and not force:
                raise DifferentError(keys=", ".join(comparison.keys[:3]))
    if is_switched:
        with closing(connect()) as db:
            print_line(f"readers see {switch(db, service, name).table} now")
    else:
        print_line("readers see the live one as before")


def _describe(comparison: Comparison) -> None:
    verdict = "equal" if comparison.is_equal else "different"
    print_line(
        f"{comparison.new} has {comparison.rows} rows, {verdict}: {comparison.added} more, {comparison.missing} fewer, "
        f"{comparison.changed} changed than {comparison.old}"
    )
