"""What the document says of files that come and go."""

from __future__ import annotations

import sys

from adapters.http.schemas import Schema, answer

A_FILE: Schema = {
    "requestBody": {
        "required": True,
        "description": "Of the type that it is; Content-Type says which.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("application/pdf", "*/*")},
    }
}
ATTACHMENTS_ANSWER = answer(
    "The files, and the `next` to ask for those after them.",
    {
        "type": "object",
        "required": ["attachments", "next"],
        "properties": {
            "attachments": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["attachment_id", "name", "media_type", "size", "sha256", "occurred_at", "position"],
                    "properties": {
                        "attachment_id": {"type": "string", "format": "uuid"},
                        "name": {"type": ["string", "null"], "description": "Personal: null where it is erased."},
                        "media_type": {"type": "string"},
                        "size": {"type": "integer"},
                        "sha256": {"type": ["string", "null"]},
                        "position": {"type": "integer"},
                    },
                },
            },
            "next": {"type": ["integer", "null"]},
        },
    },
)
_TEXT = {"schema": {"type": "string"}}
_OF_A_FILE = {
    "Content-Disposition": {"description": "With the file's name.", **_TEXT},
    "Repr-Digest": {"description": "The whole file's SHA-256.", **_TEXT},
    "ETag": {"description": "A file never changes.", **_TEXT},
}
_BINARY = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
FILE_ANSWERS: dict[int | str, Schema] = {
    200: {"description": "The file.", "content": _BINARY, "headers": _OF_A_FILE},
    206: {"description": "The part of it.", "content": _BINARY, "headers": _OF_A_FILE | {"Content-Range": _TEXT}},
}
LARGEST = sys.maxsize  # a body that is not held: who reads it stops at a limit of its own, and says it in our words
_NULLABLE = {"type": ["object", "null"]}
IMPORT: Schema = {
    "type": "object",
    "required": ["import_id", "state", "mapping", "file", "bytes_received", "progress", "eta_s", "report", "problem"],
    "properties": {
        "import_id": {"type": "string", "format": "uuid"},
        "state": {"enum": ["receiving", "running", "cancelling", "done", "failed", "cancelled", "interrupted"]},
        "mapping": {"type": "string"},
        "file": {"type": "string"},
        "dry_run": {"type": "boolean"},
        "bytes_received": {"type": "integer"},
        "progress": {**_NULLABLE, "description": "File, rows read, bytes of how many, commands accepted and rejected."},
        "eta_s": {"type": ["number", "null"], "description": "Seconds that the file at hand may take yet."},
        "report": {**_NULLABLE, "description": "Once it has ended: what was done, by file and rule."},
        "problem": {**_NULLABLE, "description": "Why it could not go on."},
    },
}
IMPORT_ANSWER = answer("The import, as it stands.", IMPORT)
IMPORTS_ANSWER = answer(
    "In the order in which they came.",
    {"type": "object", "required": ["imports"], "properties": {"imports": {"type": "array", "items": IMPORT}}},
)
_MAPPING: Schema = {
    "type": "object",
    "required": ["mapping", "title"],
    "properties": {"mapping": {"type": "string"}, "title": {"type": "string"}},
}
MAPPING_ANSWER = answer("It is right, and kept; `mapping` names it.", _MAPPING)
MAPPINGS_ANSWER = answer(
    "By their names.",
    {"type": "object", "required": ["mappings"], "properties": {"mappings": {"type": "array", "items": _MAPPING}}},
)
REJECTS_ANSWER: Schema = {"description": "The rows.", "content": {"text/csv": {"schema": {"type": "string"}}}}


def body_as(*kinds: str) -> Schema:
    """A body that is a file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}
