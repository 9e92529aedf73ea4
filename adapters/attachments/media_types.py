"""Which kinds of files are taken, whether one is what it is said to be, and how it is given out again."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Collection

from domain.errors import ContentMismatchError, FileTypeError

HEAD_BYTES = 64 * 1024
OCTETS = "application/octet-stream"
DEFAULT_TYPES = (
    "application/pdf", "application/rtf", "application/zip", "application/json", "message/rfc822",
    "text/plain", "text/csv", "text/calendar", "text/vcard",
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", "image/heif",
    "audio/mpeg", "audio/ogg", "audio/wav", "video/mp4", "video/webm",
    "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
)  # fmt: skip
# what a browser shows without running anything of it; all else leaves as bytes
HARMLESS = frozenset({
    "application/pdf", "text/plain", "text/csv", "image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg",
    "audio/ogg", "audio/wav", "video/mp4", "video/webm",
})  # fmt: skip
TEXTUAL = frozenset({"application/json", "message/rfc822"})
TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,110}")
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def check_type(content_type: str, taken: Collection[str]) -> str:
    """The type without its parameters; FileTypeError unless it is taken."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in taken or not TYPE.fullmatch(media_type):
        raise FileTypeError(media_type=media_type[:200], taken=", ".join(sorted(taken)))
    return media_type


def check_content(media_type: str, head: bytes) -> None:
    """By the file's first bytes; ContentMismatchError. A type that has no mark of its own takes anything."""
    head = head[:HEAD_BYTES]
    if is_text(media_type):
        if CONTROLS.search(head):
            raise ContentMismatchError(media_type=media_type)
    elif media_type != OCTETS and not _bears_its_mark(media_type, head):
        raise ContentMismatchError(media_type=media_type)


def is_text(media_type: str) -> bool:
    """Texts have no mark; but they hold no control characters."""
    return media_type.startswith("text/") or media_type in TEXTUAL


def served_as(media_type: str) -> str:
    return media_type if media_type in HARMLESS else OCTETS


def _bears_its_mark(media_type: str, head: bytes) -> bool:
    endings = {media_type.partition("/")[2], *(e.lstrip(".") for e in mimetypes.guess_all_extensions(media_type))}
    import puremagic  # noqa: PLC0415 reads its table, which is of use to who takes a file

    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):  # it knows no file that begins so
        return False
    return any(match.mime_type == media_type or match.extension.lstrip(".") in endings for match in found)
