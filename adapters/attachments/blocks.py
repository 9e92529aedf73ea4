"""How a file is sealed: in blocks, under a key of its own, each bound to the file, to its place and to being the last.

The file's key stands in its manifest, which is sealed under the key of the person whose file it is; so whose it is may
turn out while its blocks are stored already, and destroying the person's key makes the file unreadable. A block is
AES-256-GCM, its nonce the block's number and whether it is the last, its associated data the attachment's id: a block
that was swapped, left out, cut off or taken from another file does not open.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import RelatoError

BLOCK_BYTES = 512 * 1024
HASH_BYTES = hashlib.sha256().digest_size
KEY_BITS = 256


class BrokenFileError(RelatoError):
    """A file does not open under its own key: it was altered, or a part of it is missing."""


class Manifest(NamedTuple):
    """What it takes to read a file; `hashes` are those of its sealed blocks, in their order."""

    key: bytes
    block_bytes: int
    hashes: Sequence[bytes]

    def to_json(self) -> dict[str, Any]:
        return {
            "key": base64.b64encode(self.key).decode(),
            "block_bytes": self.block_bytes,
            "hashes": base64.b64encode(b"".join(self.hashes)).decode(),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Manifest:
        joined = base64.b64decode(told["hashes"])
        hashes = [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
        return cls(base64.b64decode(told["key"]), int(told["block_bytes"]), hashes)


def new_key() -> bytes:
    return AESGCM.generate_key(KEY_BITS)


class BlockCipher:
    """Seals and opens the blocks of one file."""

    def __init__(self, key: bytes, attachment_id: UUID) -> None:
        self._cipher, self._file = AESGCM(key), attachment_id.bytes

    def seal(self, number: int, block: bytes, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(_nonce(number, is_last=is_last), block, self._file)

    def open(self, number: int, sealed: bytes, *, is_last: bool) -> bytes:
        """Raises BrokenFileError."""
        try:
            return self._cipher.decrypt(_nonce(number, is_last=is_last), sealed, self._file)
        except InvalidTag as error:
            raise BrokenFileError(block=number) from error


def _nonce(number: int, *, is_last: bool) -> bytes:
    """Never the same under one key: each file has a key of its own, and each number is used once."""
    return number.to_bytes(11, "big") + bytes([is_last])
