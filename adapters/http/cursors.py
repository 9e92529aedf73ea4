"""Cursors: where a page ended, opaque and signed, good for the same question only."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from domain.ports import Vault
from projections.asking import AskedWrongError, Question

MAC_BYTES = 16
Cursor = Annotated[str | None, Query(description="`next` of the page before.", max_length=4_000)]
Place = Sequence[str | None]


class CursorError(AskedWrongError):
    """The cursor is not one that this question was answered with; begin without it."""

    def __init__(self) -> None:
        super().__init__("", parameter="cursor")


def write_cursor(vault: Vault, asked: str, place: Place) -> str:
    """`asked` is the question, in any form that differs when it does."""
    text = json.dumps(list(place), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_sign(vault, asked, text) + text).rstrip(b"=").decode()


def read_cursor(vault: Vault, asked: str, cursor: str) -> Place:
    """Raises CursorError."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError as error:
        raise CursorError from error
    signature, text = raw[:MAC_BYTES], raw[MAC_BYTES:]
    if not hmac.compare_digest(signature, _sign(vault, asked, text)):
        raise CursorError
    place: Place = json.loads(text)
    return place


def _sign(vault: Vault, asked: str, text: bytes) -> bytes:
    return vault.fingerprint(b"cursor\0" + asked.encode() + b"\0" + text)[:MAC_BYTES]


def asked_of(question: Question, customer_id: object) -> str:
    """Who may see which rows is in the conditions."""
    return repr((question.view.name, question.conditions, question.after, question.order, str(customer_id)))
