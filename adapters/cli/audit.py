"""`relato audit`: the proofs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from adapters.cli.installation import Installation, deployment_of
from adapters.cli.moments import show_time
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import is_terminal, note, print_line, print_table
from domain.canonical import COLUMNS, canonical
from domain.customer.facts import ContactAdded
from domain.errors import RelatoError, UnknownError
from domain.event import Event
from projections.history import Horizon, read_subjects
from streams.checkpoints.audit import audit_ledger
from streams.checkpoints.bundle import BundleReport, make_bundle, read_ends, verify_bundle
from streams.checkpoints.merkle import Nodes
from streams.checkpoints.note import open_note

NAMES = [name for name, _ in COLUMNS]
LARGEST_BUNDLE_BYTES = 1 << 30

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Prove what the ledger holds: to yourself, and to an auditor who has no access to it.",
)


class UnsoundError(RelatoError):
    """The audit failed."""


@app.command()
def verify(
    ctx: typer.Context,
    bundle: Annotated[Path | None, typer.Option(metavar="FILE", help="An exported history, checked offline.")] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The log's verifier key, known from elsewhere than the bundle.")
    ] = None,
) -> None:
    """Recompute every row's hash, every numbering, and the tree under every signed head; or check a bundle offline.

    relato audit verify

    relato audit verify --bundle ana.json --key relato+1a2b3c4d+AeX…
    """
    if bundle is not None:
        _verify_offline(bundle, key)
        return
    deployment = deployment_of(ctx, "ledger")
    with deployment.open() as installation:
        told = _say_progress if is_terminal() else None
        report = audit_ledger(
            installation.checkpoints, installation.checkpoints, installation.checkpointer.verifier, told
        )
        log = installation.access_log
        access = audit_ledger(log, log, installation.access_checkpointer.verifier, told)
    for problem in access.problems:
        print_line(f"wrong in the access log: {problem}")
    for problem in report.problems:
        print_line(f"wrong: {problem}")
    covered = f"{report.covered} of them covered by {report.checkpoints} signed checkpoints"
    if not report.is_sound:
        raise UnsoundError(f"the ledger's {report.rows} rows are not what was recorded ({len(report.problems)} faults)")
    print_line(f"sound: {report.rows} rows, {covered}")
    if not access.is_sound:
        raise UnsoundError(f"the access log's {access.rows} rows are not what was recorded")


def _say_progress(rows: int) -> None:
    note(f"{rows} rows checked")


def _verify_offline(file: Path, key: str | None) -> None:
    reports = [verify_bundle(one, key, columns=NAMES) for one in _read_bundles(file)]
    for report in reports:
        for problem in report.problems:
            print_line(f"wrong: {problem.fault}{f' (row {problem.row})' if problem.row else ''}: {problem.detail}")
    if not all(report.is_consistent for report in reports):
        raise UnsoundError("the bundle does not show what it claims")
    for report in reports:
        _print_bundle(report)
    if key is None:
        note("consistent, but with the key that the bundle itself brings; give the log's own with --key")


def _read_bundles(file: Path) -> list[dict[str, Any]]:
    if file.stat().st_size > LARGEST_BUNDLE_BYTES:
        raise WrongUseError([f"--bundle: {file} is larger than 1 GiB"])
    try:
        found = json.loads(file.read_bytes())
    except ValueError as error:
        raise WrongUseError([f"--bundle: {file} is no JSON"]) from error
    bundles = found if isinstance(found, list) else [found]
    if not bundles or not all(isinstance(one, dict) for one in bundles):
        raise WrongUseError([f"--bundle: {file} is no audit bundle"])
    return bundles


def _print_bundle(report: BundleReport) -> None:
    assert report.checkpoint is not None
    subject = report.rows[0]["subject_id"]
    trust = "proven" if report.is_proven else "consistent"
    size = report.checkpoint.size
    extent = "all" if report.is_whole else "perhaps not all"
    print_line(f"{trust}: {len(report.rows)} facts of {subject!s}, {extent} under the checkpoint of {size} rows")
    for row in report.rows:
        print_line("  ".join(str(row[name]) for name in ("position", "occurred_at", "type", "actor")))


@app.command()
def access(
    ctx: typer.Context,
    customer: Annotated[UUID, typer.Argument(help="The customer's id, or a person's.")],
) -> None:
    """Who read the customer's personal values, or their contacts': when, where, together with how many others'.

    relato audit access 0199b0c2-…
    """
    deployment = deployment_of(ctx, "ledger")
    with deployment.open() as installation:
        persons = _persons_of(installation, customer)
        found = installation.access_log.of_persons(persons)
    rows = [[one.position, show_time(one.recorded_at, deployment.time_zone), *one[2:]] for one in found]
    print_table(["number", "when", "who", "where", "people"], rows)


def _persons_of(installation: Installation, customer: UUID) -> set[UUID]:
    """All ids under which values of the customer, and of who speaks for them, may be sealed."""
    subjects = read_subjects(customer, installation.ledger, installation.identities, Horizon())
    facts = (event.fact for events in subjects.values() for event in events)
    contacts = {fact.person_id for fact in facts if isinstance(fact, ContactAdded)}
    return {customer, *subjects, *contacts}


@app.command()
def checkpoint(ctx: typer.Context) -> None:
    """Cover all rows, and print the signed head; on stderr the key that verifies it, for auditors to keep.

    relato audit checkpoint > head.txt
    """
    deployment = deployment_of(ctx, "ledger")
    with deployment.open() as installation:
        head = installation.checkpointer.cover_all()
        note(f"verifier key {installation.checkpointer.verifier}")
    print_line((head.note or "the ledger is empty").rstrip("\n"))


@app.command()
def export(
    ctx: typer.Context,
    customer: Annotated[UUID, typer.Argument(help="The customer's id.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Instead of the output.")
    ] = None,
) -> None:
    """A customer's history as a document that proves itself: sealed as it is stored, verified with no access to us.

    relato audit export 0199b0c2-… -o ana.json
    """
    deployment = deployment_of(ctx, "ledger")
    with deployment.open() as installation:
        text = json.dumps(_bundles(installation, customer), indent=1)
        key = str(installation.checkpointer.verifier)
    if output is None:
        print_line(text)
    else:
        output.write_text(text + "\n")
    note(f"verifier key {key}")


def _bundles(installation: Installation, customer: UUID) -> list[dict[str, object]]:
    """One for each id under which the customer's facts lie."""
    subjects = read_subjects(customer, installation.ledger, installation.identities, Horizon())
    if not any(subjects.values()):
        raise UnknownError(customer=customer)
    installation.checkpointer.cover_all()
    verifier, store = installation.checkpointer.verifier, installation.checkpoints
    assert store.subjects is not None
    note, ends = read_ends(store.subjects, [subject for subject, events in subjects.items() if events])
    size = open_note(note, verifier).size
    node = Nodes(store, store, size)
    # read again: what came between is covered, and would be missing at the end
    subjects = read_subjects(customer, installation.ledger, installation.identities, Horizon())
    return [
        make_bundle(note, verifier, NAMES, [_record(e) for e in subjects[subject] if e.position <= size], node, end=end)
        for subject, end in ends.items()
        if subject in subjects
    ]


def _record(event: Event) -> tuple[int, bytes]:
    return event.position - 1, canonical(event)
