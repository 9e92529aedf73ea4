"""What keeps endpoints' secrets, and their prints, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import UUID


class KeptSecrets:
    """As the vault keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def secret(self, name: str, create: Callable[[], bytes]) -> bytes:
        return self.kept.setdefault(name, create())

    def find_secret(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def fingerprint(self, content: bytes) -> bytes:
        return hashlib.sha256(b"the installation's" + content).digest()


class KeptPrints:
    """As the ledger database keeps them."""

    def __init__(self) -> None:
        self.kept: dict[tuple[UUID, int], bytes | None] = {}

    def is_known(self, endpoint_id: UUID, number: int) -> bool:
        return (endpoint_id, number) in self.kept

    def remember(self, endpoint_id: UUID, number: int, seen: bytes) -> bytes:
        kept = self.kept[endpoint_id, number] = self.kept.get((endpoint_id, number)) or seen
        return kept
