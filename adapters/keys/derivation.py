"""Ids of natural keys and fingerprints of commands, under the installation's secret."""

from __future__ import annotations

from uuid import UUID

from adapters.ids import uuid_of
from adapters.keys.digest import KeyedDigest

ID_FREE, ID_FIXED = ~(0xF << 76 | 3 << 62), 8 << 76 | 2 << 62  # version and variant of a derived id


class Derivation:
    """Safe from many threads. It pickles with its secret, for the ears of a process that we started ourselves."""

    __slots__ = ("_ids", "_prints", "_secret")

    def __init__(self, secret: bytes) -> None:
        derive = KeyedDigest(secret)
        self._secret = secret
        self._prints, self._ids = KeyedDigest(derive(b"fingerprint")), KeyedDigest(derive(b"id"))

    def __reduce__(self) -> tuple[type[Derivation], tuple[bytes]]:
        return Derivation, (self._secret,)

    def fingerprint(self, content: bytes) -> bytes:
        return self._prints(content)[:16]

    def derive_id(self, namespace: str, natural_key: str) -> UUID:
        named = f"{len(namespace)}:{namespace}{natural_key}".encode()  # its length keeps "a", "bc" apart from "ab", "c"
        value = int.from_bytes(self._ids(named)[:16], "big")
        return uuid_of(value & ID_FREE | ID_FIXED)
