"""The master key: it wraps every other key, and lives outside the data directories and their backups."""

from __future__ import annotations

import base64
import binascii
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import RelatoError

KEY_BYTES = 32
NONCE_BYTES = 12


class MasterKeyError(RelatoError):
    """The master key cannot be used; put the right one back, nothing was changed."""


class MasterKey:
    """Wraps and unwraps keys, each bound to what it is for."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise MasterKeyError("the master key must be 32 bytes in base64")
        self._cipher = AESGCM(key)

    def wrap(self, key: bytes, purpose: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, purpose)

    def unwrap(self, wrapped: bytes, purpose: bytes) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], purpose)
        except InvalidTag as error:
            raise MasterKeyError("this master key did not wrap the keys of this installation") from error

    @classmethod
    def from_text(cls, text: str) -> MasterKey:
        try:
            return cls(base64.b64decode(text.strip(), validate=True))
        except binascii.Error as error:
            raise MasterKeyError("the master key must be 32 bytes in base64") from error

    @classmethod
    def from_file(cls, path: Path) -> MasterKey:
        """The file must be readable by its owner alone."""
        try:
            mode = path.stat().st_mode
            text = path.read_text()
        except OSError as error:
            raise MasterKeyError("the master key's file cannot be read", file=path, reason=error.strerror) from error
        if stat.S_IMODE(mode) & 0o077:
            raise MasterKeyError("others may read the master key's file; run chmod 600 on it", file=path)
        return cls.from_text(text)


def create_master_key(path: Path) -> None:
    """Writes a new key with mode 0600, whole or not at all; where a file is already, it stays, another was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:  # mode 0600
        file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or the name could be lost with the power, and with it all that was sealed
    finally:
        os.close(folder)
