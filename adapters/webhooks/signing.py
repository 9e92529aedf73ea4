"""Signatures of Standard Webhooks, and the secrets behind them, which the key database keeps."""

from __future__ import annotations

import hmac
import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.keys.master import MasterKeyError
from domain.cache import Cache
from domain.endpoint.decider import Endpoint
from domain.endpoint.facts import Signing
from domain.errors import SecretLostError
from streams.webhooks.messages import CONTENT_TYPE, SCHEMES, Message

SECRET_BYTES = 32
REMEMBERED = 10_000
USER_AGENT = "Relato-Webhooks/1"

LOST = b""  # of a secret that was replaced

Named = tuple[UUID, int]
_log = structlog.get_logger(__name__)


class Secrets(Protocol):
    """The installation's, by name. Raises UnavailableError."""

    def secret(self, name: str, create: Callable[[], bytes]) -> bytes:
        """Made the first time."""

    def find_secret(self, name: str) -> bytes | None:
        """None where there is none; none is made."""

    def fingerprint(self, content: bytes) -> bytes:
        """Keyed, and one-way."""


class SecretPrints(Protocol):
    """Which secrets were shown or have signed, kept apart from them. Raises UnavailableError."""

    def is_known(self, endpoint_id: UUID, number: int) -> bool: ...

    def remember(self, endpoint_id: UUID, number: int, seen: bytes) -> bytes:
        """The print that is kept, durably; `seen` where there was none."""


class Signer:
    """Safe from many threads. A secret never changes under its number, so it is asked for once.

    It is made when it is first needed, and its print is kept before it is shown or signs: from then on none is made
    under its number, and the one that is found must be the same.
    """

    def __init__(self, secrets: Secrets, prints: SecretPrints) -> None:
        self._secrets, self._prints = secrets, prints
        self._known: Cache[Named, bytes] = Cache(REMEMBERED)

    def headers(self, endpoint_id: UUID, endpoint: Endpoint, message: Message, at: datetime) -> Mapping[str, str]:
        """With a signature for each secret that is valid then, the newest first. Raises SecretLostError."""
        moment = str(int(at.timestamp()))
        content = b".".join((message.id.encode(), moment.encode(), message.body))
        newest, *replaced = endpoint.signing_at(at)
        secrets = [self._secret(endpoint_id, newest), *(self._replaced(endpoint_id, number) for number in replaced)]
        signatures = [_signed(endpoint.signing, secret, content) for secret in secrets if secret != LOST]
        return {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": USER_AGENT,
            "webhook-id": message.id,
            "webhook-timestamp": moment,
            "webhook-signature": " ".join(signatures),
        }

    def shown(self, endpoint_id: UUID, endpoint: Endpoint) -> str:
        """What the partner needs to verify: the newest secret, or its public key. Raises SecretLostError."""
        secret = self._secret(endpoint_id, endpoint.secrets[-1].number)
        if endpoint.signing is Signing.HMAC:
            return f"whsec_{_base64(secret)}"
        return f"whpk_{_base64(Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw())}"

    def is_lost(self, endpoint_id: UUID, endpoint: Endpoint) -> bool:
        """Nothing can be signed for it. Makes nothing."""
        number = endpoint.secrets[-1].number
        try:
            if self._prints.is_known(endpoint_id, number):
                self._secret(endpoint_id, number)
        except SecretLostError:
            return True
        return False

    def _secret(self, endpoint_id: UUID, number: int) -> bytes:
        key = (endpoint_id, number)
        if not (known := self._known.get(key)):
            known = self._find(endpoint_id, number)
            self._known.keep({key: known})
        return known

    def _replaced(self, endpoint_id: UUID, number: int) -> bytes:
        """LOST where it is: a newer one signs, and whoever lost this one was told to rotate it."""
        key = (endpoint_id, number)
        if (known := self._known.get(key)) is None:
            try:
                known = self._find(endpoint_id, number)
            except SecretLostError:
                known = LOST
                _log.warning("a replaced webhook secret is lost", endpoint=str(endpoint_id), secret=number)
            self._known.keep({key: known})
        return known

    def _find(self, endpoint_id: UUID, number: int) -> bytes:
        name = f"webhook {endpoint_id} {number}"
        try:
            if self._prints.is_known(endpoint_id, number):
                found = self._secrets.find_secret(name)
            else:
                found = self._secrets.secret(name, lambda: os.urandom(SECRET_BYTES))
        except MasterKeyError as error:
            raise SecretLostError(endpoint=endpoint_id, secret=number) from error
        if found is None:
            raise SecretLostError(endpoint=endpoint_id, secret=number)
        seen = self._secrets.fingerprint(name.encode() + found)
        if not hmac.compare_digest(self._prints.remember(endpoint_id, number, seen), seen):
            raise SecretLostError(endpoint=endpoint_id, secret=number)
        return found


def _signed(signing: Signing, secret: bytes, content: bytes) -> str:
    if signing is Signing.HMAC:
        made = hmac.digest(secret, content, "sha256")
    else:
        made = Ed25519PrivateKey.from_private_bytes(secret).sign(content)
    return f"{SCHEMES[signing]},{_base64(made)}"


def _base64(content: bytes) -> str:
    return b64encode(content).decode()
