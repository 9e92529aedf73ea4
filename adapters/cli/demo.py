"""`relato demo` and `relato simulate`: a fictitious company's year, to look at or to load by the thousand."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.installation import Deployment, deployment_of
from adapters.cli.narration import Narrator
from adapters.cli.performing import perform
from adapters.cli.refusals import INTERRUPTED, WrongUseError
from adapters.cli.terminal import note, print_json, print_line
from adapters.cli.waiting import bar
from adapters.importers import interruptible
from adapters.simulation.load import Loaded, load
from adapters.simulation.play import Play, Publish
from adapters.simulation.simulation import Simulation
from projections.engine.worker import collect_garbage_rarely

CUSTOMERS, EVENTS, SEED = 400, 12_000, 1
ZONE = "Europe/Lisbon"
REACHABLE = 0o711  # for the account that PostgreSQL runs under

Seed = Annotated[int, typer.Option(help="Another one makes another company.")]


def demo(
    ctx: typer.Context,
    kafka: Annotated[
        str | None,
        typer.Option(metavar="[HOST:PORT]", help="Through a real broker; an embedded one, if none is named."),
    ] = None,
    home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to make it, and to keep it; a directory not there yet.")
    ] = None,
    seed: Seed = SEED,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what was made, to look further.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A digest of all that was seen, for programs.")] = False,
) -> None:
    """A company's year in a minute: what each audience sees, one person erased, the ledger proven.

    Everything is made up: nobody is real, and no address leads anywhere. Equal seeds give equal answers, with Kafka and
    without.

        relato demo --kafka

        relato demo --home /tmp/company
    """
    home = home or ctx.find_root().params.get("home")
    simulation = Simulation(CUSTOMERS, EVENTS, seed, time_zone=ZONE)
    collect_garbage_rarely()
    with _place(home, keep=keep) as folder:
        narrator = None if as_json else Narrator(folder, is_kept=keep or home is not None)
        with _opened(deployment_of(ctx).elsewhere(folder, ZONE), simulation, kafka, narrator) as play:
            digest = perform(play, kafka, narrator)
    if as_json:
        print_json(digest)


@contextmanager
def _place(home: Path | None, *, keep: bool) -> Iterator[Path]:
    """A directory of our own, removed unless it is to be kept and all went well; never one that holds something."""
    if home is not None and home.exists() and any(home.iterdir()):
        raise WrongUseError([f"--home: {home} is not empty; name a directory that is not there yet"])
    folder = home.absolute() if home else Path(tempfile.mkdtemp(prefix="relato-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(REACHABLE)
    is_kept = False
    try:
        yield folder
        is_kept = keep or home is not None
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(
    deployment: Deployment, simulation: Simulation, kafka: str | None, narrator: Narrator | None
) -> Iterator[Play]:
    if narrator:
        narrator.begin(simulation, kafka)
    with ExitStack() as stack:
        with bar("starting PostgreSQL"):
            installation = stack.enter_context(deployment.open())
            _ = installation.executor
        open_log = installation.open_log
        publish: Publish | None = None
        if kafka:
            with bar("starting Kafka"):
                stream = stack.enter_context(deployment.open_stream(kafka))
            open_log, publish = stream.open_log, stream.wait
        open_feeds = partial(deployment.open_feeds, kafka)
        zone = deployment.time_zone
        yield Play(installation, deployment.services, simulation, zone, open_log, open_feeds, publish)


def simulate(
    ctx: typer.Context,
    customers: Annotated[int, typer.Option(metavar="N", help="So many customers.")] = 1_000,
    events: Annotated[int, typer.Option(metavar="N", help="So many commands in the year.")] = 20_000,
    seed: Seed = SEED,
    year: Annotated[int, typer.Option(help="It must be over.")] = 2025,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Report in JSON.")] = False,
) -> None:
    """Load a fictitious company's year. Again with the same figures changes nothing; what was cut short goes on.

    relato simulate --customers 5000 --events 100000 --seed 7
    """
    deployment = deployment_of(ctx, "commands")
    if year >= datetime.now(deployment.time_zone).year:
        raise WrongUseError(["--year: it is not over yet; nothing is recorded before it has occurred"])
    simulation = Simulation(customers, events, seed, year, deployment.time_zone.key, deployment.principal)
    collect_garbage_rarely()
    with deployment.open() as installation, interruptible() as stop, bar("loading", events) as tell:
        loaded = load(installation.executor, simulation, on_progress=lambda so_far: tell(so_far.commands), stop=stop)
        installation.eraser.run_once()
    _report(loaded, as_json=as_json)
    if loaded.interrupted:
        raise typer.Exit(INTERRUPTED)


def _report(loaded: Loaded, *, as_json: bool) -> None:
    figures = {"commands": loaded.commands, "facts": loaded.facts, "repeated": loaded.repeated,
               "refused": loaded.reasons(), "seconds": round(loaded.seconds, 2)}  # fmt: skip
    if as_json:
        print_json(figures)
        return
    print_line(f"{loaded.facts:,} facts from {loaded.commands:,} commands, {loaded.facts_per_s:,.0f} facts/s")
    if loaded.repeated:
        print_line(f"{loaded.repeated:,} commands were known, and changed nothing")
    for reason, count in loaded.reasons().items():
        print_line(f"{count:,} refused: {reason}")
    if loaded.interrupted:
        note("stopped; the same command goes on from there")
