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
from domain.errors import SecretLostError, UnavailableError
from streams.webhooks.messages import Message, message_of, ping_of
from tests.webhook_fakes import KeptPrints, KeptSecrets

HERE, FEED = UUID(int=1), UUID(int=2)
EVENT = {"specversion": "1.0", "id": "17", "feedseq": 17, "type": "crm.order.placed.v1", "data": {"number": "Nº 1 → 2"}}
MESSAGE = message_of(FEED, EVENT)
LIBRARIES: list[Callable[[str], Any]] = [standardwebhooks.Webhook, svix.webhooks.Webhook]


class CutPrints(KeptPrints):
    """The process ends, or the database is away, before a print is kept."""

    def remember(self, endpoint_id: UUID, number: int, seen: bytes) -> bytes:
        raise UnavailableError(endpoint=endpoint_id, secret=number, seen=seen)


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
    signer = Signer(KeptSecrets(), KeptPrints())
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
    signer = Signer(KeptSecrets(), KeptPrints())
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
    signer = Signer(KeptSecrets(), KeptPrints())
    headers = signer.headers(HERE, endpoint(Signing.ED25519), MESSAGE, now())
    public = signer.shown(HERE, endpoint(Signing.ED25519))
    assert public.startswith("whpk_")
    verify_ed25519(public, headers, MESSAGE.body)
    with pytest.raises(InvalidSignature):
        verify_ed25519(public, headers, MESSAGE.body + b" ")


def test_no_two_endpoints_share_a_secret_and_none_forgets_its_own() -> None:
    secrets, prints = KeptSecrets(), KeptPrints()
    shown = Signer(secrets, prints).shown(HERE, endpoint())
    assert Signer(secrets, prints).shown(HERE, endpoint()) == shown
    assert Signer(secrets, prints).shown(FEED, endpoint()) != shown
    assert len(base64.b64decode(shown.removeprefix("whsec_"))) >= 24


def use(signer: Signer, state: Endpoint) -> None:
    signer.headers(HERE, state, MESSAGE, now())


def show(signer: Signer, state: Endpoint) -> None:
    signer.shown(HERE, state)


@pytest.mark.parametrize("first", [use, show], ids=["used", "shown"])
@pytest.mark.parametrize("then", [use, show], ids=["use", "show"])
@pytest.mark.parametrize("found", [{}, {f"webhook {HERE} 1": bytes(32)}], ids=["none", "another"])
def test_a_secret_that_was_used_or_shown_is_never_replaced_silently(
    first: Callable[..., None], then: Callable[..., None], found: dict[str, bytes]
) -> None:
    secrets, prints = KeptSecrets(), KeptPrints()
    first(Signer(secrets, prints), endpoint())
    shown = Signer(secrets, prints).shown(HERE, endpoint())
    kept, secrets.kept = secrets.kept, dict(found)
    signer = Signer(secrets, prints)
    with pytest.raises(SecretLostError, match="Restore it, or `relato webhook rotate"):
        then(signer, endpoint())
    assert signer.is_lost(HERE, endpoint())
    assert secrets.kept == found
    secrets.kept = kept
    assert not signer.is_lost(HERE, endpoint())
    assert signer.shown(HERE, endpoint()) == shown


def test_to_rotate_mends_it_at_once_also_while_the_lost_secret_would_sign_beside_the_new_one() -> None:
    secrets, prints = KeptSecrets(), KeptPrints()
    Signer(secrets, prints).shown(HERE, endpoint())
    secrets.kept.clear()
    signer = Signer(secrets, prints)
    rotated = endpoint(Signing.HMAC, Numbered(1, now() + timedelta(hours=24)), Numbered(2))
    shown = signer.shown(HERE, rotated)
    for _ in range(2):
        headers = signer.headers(HERE, rotated, MESSAGE, now())
        assert len(headers["webhook-signature"].split(" ")) == 1
        standardwebhooks.Webhook(shown).verify(MESSAGE.body, dict(headers))
    assert list(secrets.kept) == [f"webhook {HERE} 2"]
    with pytest.raises(SecretLostError):
        signer.shown(HERE, endpoint())


def test_who_is_cut_off_before_the_print_is_kept_has_shown_nothing_and_the_next_goes_on() -> None:
    secrets = KeptSecrets()
    with pytest.raises(UnavailableError):
        Signer(secrets, CutPrints()).shown(HERE, endpoint())
    [made] = secrets.kept.values()
    prints = KeptPrints()
    assert Signer(secrets, prints).shown(HERE, endpoint()) == f"whsec_{base64.b64encode(made).decode()}"


def test_to_look_whether_a_secret_is_lost_makes_none() -> None:
    secrets, prints = KeptSecrets(), KeptPrints()
    assert not Signer(secrets, prints).is_lost(HERE, endpoint())
    assert (secrets.kept, prints.kept) == ({}, {})


def test_a_secret_that_signed_before_prints_were_kept_is_taken_as_it_is_found_and_never_made() -> None:
    secrets, prints = KeptSecrets(), KeptPrints()
    prints.kept[HERE, 1] = None
    with pytest.raises(SecretLostError):
        Signer(secrets, prints).shown(HERE, endpoint())
    secrets.kept[f"webhook {HERE} 1"] = bytes(32)
    use(Signer(secrets, prints), endpoint())
    secrets.kept[f"webhook {HERE} 1"] = b"1" * 32
    with pytest.raises(SecretLostError):
        use(Signer(secrets, prints), endpoint())


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
