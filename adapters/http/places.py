"""A number in what is followed, and a mark of what stands there: after a restore numbers are used again."""

from __future__ import annotations

from typing import NamedTuple

from domain.ports import Vault

MARK_BYTES = 6
PLACE = rf"^[0-9]{{1,18}}(\.[0-9a-f]{{{2 * MARK_BYTES}}})?$"


class Place(NamedTuple):
    """Without a mark where its reader has none, or nothing stands there."""

    number: int
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.number}.{self.mark}" if self.mark else str(self.number)


def parse_place(text: str) -> Place:
    """Of what fits PLACE."""
    number, _, mark = text.partition(".")
    return Place(int(number), mark)


def place_of(vault: Vault, followed: bytes, number: int, hash_: bytes | None) -> Place:
    """By the hash of the fact that stands there, of which nobody is told more than this."""
    if hash_ is None:
        return Place(number)
    return Place(number, vault.fingerprint(b"place\0" + followed + b"\0" + hash_)[:MARK_BYTES].hex())
