"""`relato doctor`: what Relato runs on, and what to do where it isn't right."""

from __future__ import annotations

import typer

from adapters.cli.installation import deployment_of
from adapters.cli.terminal import print_table


def doctor(ctx: typer.Context) -> None:
    """Check what Relato runs on, and say what to do; exit status 1 when something that is needed is wrong.

    relato doctor
    """
    checks = deployment_of(ctx).check()
    state = {True: "fine", False: "wrong"}
    rows = [[c.name, state[c.is_fine] if c.is_needed or c.is_fine else "missing, not needed now", c.found or c.advice
             if c.is_fine or not c.found else f"{c.found}: {c.advice}"] for c in checks]  # fmt: skip
    print_table(["check", "state", "found"], rows)
    if any(check.is_needed and not check.is_fine for check in checks):
        raise typer.Exit(1)
