"""Signatures of Standard Webhooks, and the secrets behind them, which the key database keeps."""

from __future__ import annotations

import hmac
import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.cache import Cache
from domain.endpoint.decider import Endpoint
from domain.endpoint.facts import Signing
from streams.webhooks.messages import CONTENT_TYPE, SCHEMES, Message

SECRET_BYTES = 32
REMEMBERED = 10_000
USER_AGENT = "Relato-Webhooks/1"

Named = tuple[UUID, int]


class Secrets(Protocol):
    """The installation's, by name. Raises UnavailableError."""

    def secret(self, name: str, create: Callable[[], bytes]) -> bytes:
        """Made the first time."""


class Signer:
    """Safe from many threads. A secret never changes under its number, so it is asked for once."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._known: Cache[Named, bytes] = Cache(REMEMBERED)

    def headers(self, endpoint_id: UUID, endpoint: Endpoint, message: Message, at: datetime) -> Mapping[str, str]:
        """With a signature for each secret that is valid then, the newest first."""
        moment = str(int(at.timestamp()))
        content = b".".join((message.id.encode(), moment.encode(), message.body))
        numbers = endpoint.signing_at(at)
        signatures = [_signed(endpoint.signing, self._secret(endpoint_id, number), content) for number in numbers]
        return {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": USER_AGENT,
            "webhook-id": message.id,
            "webhook-timestamp": moment,
            "webhook-signature": " ".join(signatures),
        }

    def shown(self, endpoint_id: UUID, endpoint: Endpoint) -> str:
        """What the partner needs to verify: the newest secret, or its public key."""
        secret = self._secret(endpoint_id, endpoint.secrets[-1].number)
        if endpoint.signing is Signing.HMAC:
            return f"whsec_{_base64(secret)}"
        return f"whpk_{_base64(Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw())}"

    def _secret(self, endpoint_id: UUID, number: int) -> bytes:
        key = (endpoint_id, number)
        if (known := self._known.get(key)) is None:
            known = self._secrets.secret(f"webhook {endpoint_id} {number}", lambda: os.urandom(SECRET_BYTES))
            self._known.keep({key: known})
        return known


def _signed(signing: Signing, secret: bytes, content: bytes) -> str:
    if signing is Signing.HMAC:
        made = hmac.digest(secret, content, "sha256")
    else:
        made = Ed25519PrivateKey.from_private_bytes(secret).sign(content)
    return f"{SCHEMES[signing]},{_base64(made)}"


def _base64(content: bytes) -> str:
    return b64encode(content).decode()
