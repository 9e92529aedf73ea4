"""What is remembered of a file: what it belongs to, and what it takes to read it; its bytes lie elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, NewType
from uuid import UUID

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from domain.fact import Fact
from domain.personal import TOKEN_PATTERN, Sealed

AttachmentId = NewType("AttachmentId", UUID)


class SealedManifest(str):
    """A sealed value that no listing opens: with the file's own key and its blocks in it, it is of use to a reader of
    the file alone.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # from Python only what was sealed, as Sealed itself
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(
                cls, core_schema.str_schema(pattern=TOKEN_PATTERN)
            ),
            python_schema=core_schema.no_info_after_validator_function(cls, core_schema.is_instance_schema(Sealed)),
        )

    def __repr__(self) -> str:
        return "SealedManifest(…)"

    @property
    def token(self) -> Sealed:
        """For whoever reads the file."""
        return Sealed(self)


class AttachmentAdded(Fact):
    """A file was attached to `attached_to`, which is a stream of the `aggregate`; every block of it is stored.

    `size` in bytes; `sha256` of the whole file, in hex.
    """

    TYPE = "crm.attachment.added.v1"
    aggregate: str
    attached_to: UUID
    name: Sealed
    media_type: str
    size: Annotated[int, Field(ge=1)]
    sha256: Sealed
    manifest: SealedManifest


class AttachmentRemoved(Fact):
    """It is no longer a part of what it was attached to; what was stored stays, as the history does."""

    TYPE = "crm.attachment.removed.v1"
    reason: str | None = None


AttachmentFact = AttachmentAdded | AttachmentRemoved
