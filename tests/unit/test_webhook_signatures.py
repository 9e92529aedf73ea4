"""Messages are signed as Standard Webhooks has it: the receivers' own libraries verify them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.webhooks.signing import Signer
from domain.endpoint.decider import Endpoint, Numbered
from domain.endpoint.facts import Signing
from streams.webhooks.messages import Message, message_of, ping_of

HERE, FEED = UUID(int=1), UUID(int=2)
EVENT = {"specversion": "1.0", "id": "17", "feedseq": 17, "type": "crm.order.placed.v1", "data": {"number": "Nº 1 → 2"}}
MESSAGE = message_of(FEED, EVENT)
LIBRARIES: list[Callable[[str], Any]] = [standardwebhooks.Webhook, svix.webhooks.Webhook]


class KeptSecrets:
    """As the vault keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def secret(self, name: str, create: Callable[[], bytes]) -> bytes:
        return self.kept.setdefault(name, create())


def now() -> datetime:
    return datetime.now(UTC)


def endpoint(signing: Signing = Signing.HMAC, *secrets: Numbered) -> Endpoint:
    return Endpoint(signing=signing, secrets=secrets or (Numbered(1),))


def verify_ed25519(public: str, headers: Mapping[str, str], body: bytes) -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1a"
    key.verify(base64.b64decode(signature), content)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_libraries_that_receivers_use_verify_a_message(library: Callable[[str], Any]) -> None:
    signer = Signer(KeptSecrets())
    headers = signer.headers(HERE, endpoint(), MESSAGE, now())
    secret = signer.shown(HERE, endpoint())
    assert secret.startswith("whsec_")
    library(secret).verify(MESSAGE.body, dict(headers))
    with pytest.raises(Exception, match="signature"):
        library(secret).verify(MESSAGE.body + b" ", dict(headers))
    with pytest.raises(Exception, match="signature"):
        library(secret).verify(MESSAGE.body, {**headers, "webhook-id": "msg_other"})


@pytest.mark.parametrize("library", LIBRARIES)
def test_while_a_secret_is_replaced_both_verify_and_afterwards_the_new_one_alone(
    library: Callable[[str], Any],
) -> None:
    signer = Signer(KeptSecrets())
    old = signer.shown(HERE, endpoint())
    meanwhile = endpoint(Signing.HMAC, Numbered(1, now() + timedelta(hours=24)), Numbered(2))
    new = signer.shown(HERE, meanwhile)
    headers = signer.headers(HERE, meanwhile, MESSAGE, now())
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        library(secret).verify(MESSAGE.body, dict(headers))
    afterwards = endpoint(Signing.HMAC, Numbered(1, now() - timedelta(seconds=1)), Numbered(2))
    headers = signer.headers(HERE, afterwards, MESSAGE, now())
    library(new).verify(MESSAGE.body, dict(headers))
    with pytest.raises(Exception, match="signature"):
        library(old).verify(MESSAGE.body, dict(headers))


def test_with_ed25519_the_public_key_is_shown_and_verifies() -> None:
    signer = Signer(KeptSecrets())
    headers = signer.headers(HERE, endpoint(Signing.ED25519), MESSAGE, now())
    public = signer.shown(HERE, endpoint(Signing.ED25519))
    assert public.startswith("whpk_")
    verify_ed25519(public, headers, MESSAGE.body)
    with pytest.raises(InvalidSignature):
        verify_ed25519(public, headers, MESSAGE.body + b" ")


def test_no_two_endpoints_share_a_secret_and_none_forgets_its_own() -> None:
    secrets = KeptSecrets()
    shown = Signer(secrets).shown(HERE, endpoint())
    assert Signer(secrets).shown(HERE, endpoint()) == shown
    assert Signer(secrets).shown(FEED, endpoint()) != shown
    assert len(base64.b64decode(shown.removeprefix("whsec_"))) >= 24


def test_an_entry_has_the_same_id_whatever_is_shown_of_it_and_no_full_stop_in_it() -> None:
    withheld = message_of(FEED, {**EVENT, "type": "crm.feed.withheld.v1", "data": {"reason": "erased"}})
    assert (withheld.id, withheld.feed_seq) == (MESSAGE.id, 17)
    assert withheld.body != MESSAGE.body
    assert message_of(HERE, EVENT).id != MESSAGE.id
    assert message_of(FEED, {**EVENT, "feedseq": 18}).id != MESSAGE.id
    assert "." not in MESSAGE.id


def test_a_ping_is_no_entry() -> None:
    ping = ping_of("/relato/test", FEED, 3)
    assert isinstance(ping, Message)
    assert ping.feed_seq is None
    assert b"feedseq" not in ping.body
    assert "." not in ping.id
