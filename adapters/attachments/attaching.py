"""How a file becomes an attachment: the command that says so, once every block of it is stored."""

from __future__ import annotations

from uuid import UUID

from pydantic import ValidationError

from adapters.attachments.files import Written
from domain.attachment.commands import AddAttachment
from domain.attachment.decider import ATTACHING
from domain.errors import InvalidError


def attach(
    aggregate: str, id_: UUID, attachment_id: UUID, subject_id: UUID, *, name: str, media_type: str, written: Written
) -> AddAttachment:
    """Raises InvalidError for a name that is none."""
    try:
        return ATTACHING[aggregate].model_validate(
            {
                "attachment_id": attachment_id,
                "attached_to": id_,
                "subject_id": subject_id,
                "name": name,
                "media_type": media_type,
                "size": written.size,
                "sha256": written.sha256,
                "manifest": written.manifest.to_json(),
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise InvalidError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
