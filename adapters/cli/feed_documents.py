"""`relato feed documents`: what a partner's programs are built by, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from adapters.cli.asking import grant_in
from adapters.cli.installation import Deployment, Installation, deployment_of
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import note
from adapters.documents.feed import FeedDocuments, version_of
from domain.access.facts import Rows
from domain.errors import UnknownError


def documents(
    ctx: typer.Context,
    agreement_id: Annotated[UUID, typer.Argument(metavar="AGREEMENT", help="Its id, activated or not.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go; it is made.")],
    version: Annotated[int | None, typer.Option(min=1, help="By default the one in force, or else the newest.")] = None,
) -> None:
    """What the partner is told and may send, for its programs: AsyncAPI, OpenAPI, a JSON Schema of each type of events.

    relato feed documents AGREEMENT --out feed
    """
    deployment = deployment_of(ctx, "feeds")
    with deployment.open() as installation:
        found = documents_of(deployment, installation, agreement_id, version)
        for name, document in found.files.items():
            write_file(out / name, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    note(f"{len(found.files)} files in {out}, of version {found.version}")


def documents_of(
    deployment: Deployment, installation: Installation, agreement_id: UUID, version: int | None
) -> FeedDocuments:
    """Raises UnknownError, of another partner's agreement too."""
    deliveries = installation.deliveries
    agreement = deliveries.agreement(agreement_id)
    if grant_in(deployment).rows is not Rows.ALL and deployment.principal != str(agreement.partner_id):
        raise UnknownError(agreement=agreement_id)
    number = version_of(agreement_id, agreement, version)
    topics = installation.open_topics(agreement_id)
    return FeedDocuments(agreement_id, agreement, number, deliveries.source_of(agreement_id), topics)


def write_file(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    except OSError as error:
        raise WrongUseError([f"--out: {file} cannot be written: {error.strerror}"]) from error
