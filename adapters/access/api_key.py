"""An API key: `rel_<prefix>_<secret>`. The prefix says whose it is; the secret is random, 256 bits."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import NamedTuple
from uuid import UUID

SECRET_BYTES = 32
_FORM = re.compile(r"rel_([a-z2-7]{26})_([A-Za-z0-9_-]{43})")


class ApiKey(NamedTuple):
    """`text` is told once, and kept nowhere; `hash` is what the facts bear."""

    text: str
    access_id: UUID
    hash: str


def new_key(access_id: UUID) -> ApiKey:
    prefix = base64.b32encode(access_id.bytes).decode().rstrip("=").lower()
    return _key(f"rel_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}", access_id)


def parse_key(text: str) -> ApiKey | None:
    """None for what is no key. A slow hash would protect nothing: the secret cannot be guessed."""
    if not (found := _FORM.fullmatch(text)):
        return None
    try:
        access_id = UUID(bytes=base64.b32decode(found[1].upper() + "======"))
    except ValueError:
        return None
    return _key(text, access_id)


def _key(text: str, access_id: UUID) -> ApiKey:
    return ApiKey(text, access_id, hashlib.sha256(text.encode()).hexdigest())
