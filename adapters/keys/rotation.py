"""Another master key in the place of the one there is. Killed at any point, it goes on when it is started again.

The new key stands in the file before anything is wrapped by it, and the old one until nothing is. Who runs meanwhile
reads the file again when a key does not open, and wraps by what the store names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.keys.master import KEY_BYTES, MasterKeyError, WrappingKey, parse_keys, read_keys, replace_keys
from adapters.keys.ports import WrappedKeys


@dataclass(frozen=True)
class Rotation:
    """How many keys were wrapped anew, and where the old master keys are kept now, for older backups."""

    rewrapped: int
    retired: Sequence[Path] = ()


def prepare(file: Path) -> None:
    """Puts a new key in front of the file's, unless one was put there that is not done with."""
    held = read_keys(file)
    if len(held) == 1:
        replace_keys(file, [os.urandom(KEY_BYTES), *held])


def rotate(file: Path, keys: WrappedKeys) -> Rotation:
    """The file has one key in the end, a new one."""
    prepare(file)
    newest, *older = read_keys(file)
    count = rewrap(keys, [newest, *older])
    retired = [_retire(file, key) for key in older]
    replace_keys(file, [newest])
    return Rotation(count, retired)


def rotate_given(text: str, keys: WrappedKeys) -> Rotation:
    """Where the environment holds the keys, only the operator can change them."""
    held = parse_keys(text)
    if len(held) == 1:
        raise MasterKeyError(
            "put a new key before the one in RELATO_MASTER_KEY, with a blank between them (`openssl rand -base64 32`"
            " makes one), start everything again with both, and rotate then"
        )
    return Rotation(rewrap(keys, held))


def rewrap(keys: WrappedKeys, held: Sequence[bytes]) -> int:
    """Everything is wrapped by the first of the keys held; answers for how much it was not."""
    newest, *older = map(WrappingKey, held)
    keys.name_master(newest.print)

    def rewrapped(wrapped: bytes, use: bytes) -> bytes | None:
        if newest.unwrap(wrapped, use) is not None:
            return None
        for key in older:
            if (found := key.unwrap(wrapped, use)) is not None:
                return newest.wrap(found, use)
        raise MasterKeyError("no key of the master key's file opens all that is wrapped; put the missing one into it")

    return keys.rewrap(rewrapped)


def _retire(file: Path, key: bytes) -> Path:
    """Kept under its print, which a second try makes the same again."""
    path = file.with_name(f"{file.name}.{WrappingKey(key).print.hex()}")
    replace_keys(path, [key])
    return path
