"""`relato attachment`: files that belong to a customer, a ticket, a contract …, in and out."""

from __future__ import annotations

import mimetypes
import os
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated
from uuid import UUID

import typer

from adapters.attachments.attaching import attach
from adapters.attachments.blocks import BLOCK_BYTES
from adapters.attachments.files import FileWriter, Written
from adapters.attachments.finding import (
    OpenedFile,
    find_attached,
    find_attachment,
    open_file,
    subject_of,
    tell_attached,
)
from adapters.attachments.media_types import OCTETS, check_type
from adapters.cli.asking import require_seen
from adapters.cli.installation import deployment_of
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import note, print_json, print_line, print_table
from adapters.giving import command_id_of, make_ids
from adapters.ids import uuid7
from domain.access.facts import Held
from domain.attachment.decider import ATTACHING
from domain.execute import Context
from projections.whose import seeing

PAGE = 1_000
COLUMNS = ("attachment_id", "name", "media_type", "size", "occurred_at")
Aggregate = StrEnum("Aggregate", list(ATTACHING))  # type: ignore[misc]  # its members are declared in the domain
Of = Annotated[Aggregate, typer.Argument(help="What kind of thing it belongs to.")]
Id = Annotated[UUID, typer.Argument(metavar="ID", help="Of that thing.")]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Files that belong to something. `relato do attachment.remove` takes one away.",
)


@app.command()
def add(
    ctx: typer.Context,
    aggregate: Of,
    id_: Id,
    file: Annotated[Path, typer.Argument(help="The file, or - for the input.")],
    *,
    name: Annotated[str | None, typer.Option(help="Its name, unless it is the file's.")] = None,
    type_: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Like application/pdf.")] = None,
    key: Annotated[str | None, typer.Option("--id", metavar="KEY", help="Makes it happen once.")] = None,
) -> None:
    """Attach a file; its id is printed.

    relato attachment add ticket ID photo.jpg
    """
    deployment = deployment_of(ctx, "commands")
    sight = seeing(frozenset({Held(deployment.role, deployment.scope)}), aggregate.value)
    name = name or (None if str(file) == "-" else file.name)
    if name is None:
        raise WrongUseError(["--name: is needed, for the input has none"])
    guessed = type_ or mimetypes.guess_type(name)[0] or OCTETS
    with ExitStack() as stack:
        source = _open(file, stack)
        installation = stack.enter_context(deployment.open())
        media_type = check_type(guessed, deployment.attachment_types)
        subject_id = subject_of(installation.attachments, aggregate.value, id_)
        require_seen(deployment, installation, sight, id_)
        made = make_ids(installation.vault, deployment.principal, key, ["attachment_id"])["attachment_id"]
        written = _store(source, FileWriter(installation.contents, made, media_type))
        command = attach(aggregate.value, id_, made, subject_id, name=name, media_type=media_type, written=written)
        command_id = command_id_of(installation.vault, deployment.principal, key) if key else uuid7()
        installation.executor.execute(command, Context(command_id, deployment.principal, fresh=key is None))
    print_line(str(made))


def _open(file: Path, stack: ExitStack) -> IO[bytes]:
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(file.open("rb"))
    except OSError as error:
        raise WrongUseError([f"{file}: {error.strerror}"]) from error


def _store(source: IO[bytes], writer: FileWriter) -> Written:
    while piece := source.read(BLOCK_BYTES):
        writer.take(piece)
        writer.store()
    return writer.finish()


@app.command("list")
def list_(
    ctx: typer.Context,
    aggregate: Of,
    id_: Id,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
) -> None:
    """What is attached, in the order in which it came.

    relato attachment list ticket ID
    """
    deployment = deployment_of(ctx)
    sight = seeing(frozenset({Held(deployment.role, deployment.scope)}), aggregate.value)
    with deployment.open() as installation:
        require_seen(deployment, installation, sight, id_)
        told, after = list[dict[str, object]](), 0
        while True:
            page = find_attached(installation.attachments, aggregate.value, id_, after=after, limit=PAGE)
            told += [dict(one) for one in tell_attached(page.events, installation.disclosure)]
            if page.next is None:
                break
            after = page.next
    if as_json:
        for one in told:
            print_json(one)
    else:
        print_table(COLUMNS, [[one[column] for column in COLUMNS] for one in told])


@app.command()
def save(
    ctx: typer.Context,
    aggregate: Of,
    id_: Id,
    attachment_id: Annotated[UUID, typer.Argument(metavar="ATTACHMENT", help="As `list` names it.")],
    to: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="By default its own name, here; - prints it.")
    ] = None,
) -> None:
    """Write a file; one that exists is never written over.

    relato attachment save ticket ID ATTACHMENT
    """
    deployment = deployment_of(ctx)
    sight = seeing(frozenset({Held(deployment.role, deployment.scope)}), aggregate.value)
    with deployment.open() as installation:
        require_seen(deployment, installation, sight, id_)
        fact = find_attachment(installation.attachments, aggregate.value, id_, attachment_id)
        opened = open_file(installation.contents, installation.disclosure, attachment_id, fact)
        _write(opened, to or Path(opened.name or str(attachment_id)))


def _write(opened: OpenedFile, to: Path) -> None:
    """What broke off in the middle does not stay."""
    blocks = opened.reader.read(0, opened.reader.size)
    if str(to) == "-":
        _copy(blocks, sys.stdout.buffer)
        return
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise WrongUseError([f"{to}: {error.strerror}; name another file"]) from error
    try:
        with os.fdopen(handle, "wb") as file:
            _copy(blocks, file)
    except BaseException:
        to.unlink()
        raise
    note(f"saved {to}, {opened.reader.size:,} bytes")


def _copy(blocks: Iterable[bytes], file: IO[bytes]) -> None:
    for block in blocks:
        file.write(block)
