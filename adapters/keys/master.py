"""The master key: it wraps every other key, and lives outside the data directories and their backups.

Its file has it in base64. While a rotation is under way there are two lines: the new key, then the one before, which
opens what it wrapped until everything is wrapped by the new one.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.keys.digest import KeyedDigest
from domain.errors import RelatoError

KEY_BYTES = 32
NONCE_BYTES = 12
PRINT_BYTES = 8


class MasterKeyError(RelatoError):
    """The master key cannot be used; put the right one back, nothing was changed."""


class WrappingKey:
    """One master key. Its print tells it from others, and says nothing of it."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise MasterKeyError("the master key must be 32 bytes in base64")
        self._cipher = AESGCM(key)
        self.print = KeyedDigest(key)(b"print of a master key")[:PRINT_BYTES]

    def wrap(self, key: bytes, purpose: bytes) -> bytes:
        """Bound to what it is for."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, purpose)

    def unwrap(self, wrapped: bytes, purpose: bytes) -> bytes | None:
        """None when another key wrapped it."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], purpose)
        except InvalidTag:
            return None


class MasterKey:
    """The keys that are held: one wraps, all open. Safe from many threads.

    `reread`: whence to have them again when none fits, because they were rotated meanwhile. What was held once is held
    until the process ends: it may have read, just before, what the key that is gone wrapped.
    """

    def __init__(self, *keys: bytes, reread: Callable[[], Sequence[bytes]] | None = None) -> None:
        self._held = tuple(map(WrappingKey, keys))
        self._reread, self._lock = reread, threading.Lock()

    @property
    def wrapping(self) -> WrappingKey:
        return self._held[0]

    def unwrap(self, wrapped: bytes, purpose: bytes) -> bytes:
        if (key := self._try(wrapped, purpose)) is None:
            self._refresh()
            key = self._try(wrapped, purpose)
        if key is None:
            raise MasterKeyError("this master key did not wrap the keys of this installation")
        return key

    def turn_to(self, name: bytes) -> WrappingKey:
        """Wraps by the key with this print from now on."""
        if all(key.print != name for key in self._held):
            self._refresh()
        with self._lock:
            self._held = tuple(sorted(self._held, key=lambda key: key.print != name))
        if self.wrapping.print != name:
            raise MasterKeyError("the master key was rotated; this process needs the new one", print=name.hex())
        return self.wrapping

    def _try(self, wrapped: bytes, purpose: bytes) -> bytes | None:
        return next((found for key in self._held if (found := key.unwrap(wrapped, purpose)) is not None), None)

    def _refresh(self) -> None:
        if self._reread:
            there = [WrappingKey(key) for key in self._reread()]
            with self._lock:
                known = {key.print for key in self._held}
                self._held += tuple(key for key in there if key.print not in known)

    @classmethod
    def from_text(cls, text: str) -> MasterKey:
        """One key, or several with blanks between them, the newest first."""
        return cls(*parse_keys(text))

    @classmethod
    def from_file(cls, path: Path) -> MasterKey:
        return cls(*read_keys(path), reread=lambda: read_keys(path))


def parse_keys(text: str) -> list[bytes]:
    try:
        keys = [base64.b64decode(word, validate=True) for word in text.split()]
    except binascii.Error as error:
        raise MasterKeyError("the master key must be 32 bytes in base64") from error
    if not keys or {len(key) for key in keys} != {KEY_BYTES}:
        raise MasterKeyError("the master key must be 32 bytes in base64")
    return keys


def read_keys(path: Path) -> list[bytes]:
    """The newest first. The file must be readable by its owner alone."""
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except OSError as error:
        raise MasterKeyError("the master key's file cannot be read", file=path, reason=error.strerror) from error
    if stat.S_IMODE(mode) & 0o077:
        raise MasterKeyError("others may read the master key's file; run chmod 600 on it", file=path)
    return parse_keys(text)


def create_master_key(path: Path) -> None:
    """Writes a new key with mode 0600, whole or not at all; where a file is already, it stays, another was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _written(path, [os.urandom(KEY_BYTES)]) as file, suppress(FileExistsError):
        os.link(file.name, path)
    _keep_name(path.parent)


def replace_keys(path: Path, keys: Sequence[bytes]) -> None:
    """The file has these keys, the newest first; whole or not at all."""
    try:
        with _written(path, keys) as file:
            twin = Path(f"{file.name}.new")  # the file's own name goes when it is closed
            os.link(file.name, twin)
            twin.replace(path)
        _keep_name(path.parent)
    except OSError as error:
        raise MasterKeyError("the master key's file cannot be written", file=path, reason=error.strerror) from error


@contextmanager
def _written(path: Path, keys: Sequence[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:  # mode 0600
        file.writelines(base64.b64encode(key) + b"\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
        yield file


def _keep_name(folder_path: Path) -> None:
    folder = os.open(folder_path, os.O_RDONLY)
    try:
        os.fsync(folder)  # or the name could be lost with the power, and with it all that was sealed
    finally:
        os.close(folder)
