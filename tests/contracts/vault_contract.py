"""What every vault must do; the same suite runs over stores in memory and in PostgreSQL."""

from __future__ import annotations

import pytest

from adapters.ids import uuid7
from adapters.keys.vault import BrokenSealError, SealingVault
from domain.errors import ErasedError, KeyMissingError
from domain.personal import ERASED, Purpose, Sealed, Secret

SERVICE, MARKETING = Purpose.SERVICE, Purpose.MARKETING


class VaultContract:
    """Subclasses give a `vault` fixture and an `other` over the same stores."""

    def test_what_was_sealed_opens_to_the_value_whatever_its_json_type(self, vault: SealingVault) -> None:
        person, values = uuid7(), ["Ana Lúcia", 42, {"street": "Rua das Flores", "lines": [1, 2]}, "x" * 100_000]
        sealed = vault.seal([Secret(person, SERVICE, value) for value in values])
        assert [str(token)[:3] for token in sealed] == ["s1.", "s1.", "s1.", "c1."]
        assert vault.open(sealed) == values

    def test_nothing_of_the_value_shows_in_the_seal(self, vault: SealingVault) -> None:
        [token] = vault.seal([Secret(uuid7(), SERVICE, "Joaquim")])
        assert "Joaquim" not in str(token)
        assert repr(token) == "Sealed(…)"

    def test_equal_values_seal_equal_for_one_person_and_purpose_only(
        self, vault: SealingVault, other: SealingVault
    ) -> None:
        ana, rui = uuid7(), uuid7()
        first = vault.seal([Secret(ana, SERVICE, "Lisboa")])
        assert other.seal([Secret(ana, SERVICE, "Lisboa")]) == first
        for secret in (Secret(rui, SERVICE, "Lisboa"), Secret(ana, MARKETING, "Lisboa"), Secret(ana, SERVICE, "Porto")):
            assert vault.seal([secret]) != first

    def test_erasing_a_person_makes_all_purposes_unreadable_and_refuses_new_seals(
        self, vault: SealingVault, other: SealingVault
    ) -> None:
        ana, rui = uuid7(), uuid7()
        sealed = vault.seal(
            [Secret(ana, SERVICE, "a"), Secret(ana, MARKETING, "b" * 100_000), Secret(rui, SERVICE, "c")]
        )
        vault.erase([ana])
        assert vault.open(sealed) == [ERASED, ERASED, "c"]
        other.forget()
        assert other.open(sealed) == [ERASED, ERASED, "c"]
        again = other.seal([Secret(ana, SERVICE, "a"), Secret(ana, Purpose.BILLING, "d"), Secret(rui, SERVICE, "c")])
        assert [isinstance(token, ErasedError) for token in again] == [True, True, False]

    def test_only_what_is_remembered_and_short_is_sealed_at_once(self, vault: SealingVault) -> None:
        ana = uuid7()
        secret = Secret(ana, SERVICE, "a")
        assert vault.seal_at_once([secret]) is None
        assert vault.seal_at_once([secret]) is None  # nothing was made for it
        sealed = vault.seal([secret])
        assert vault.seal_at_once([secret]) == sealed
        assert vault.seal_at_once([secret, Secret(uuid7(), SERVICE, "a")]) is None
        assert vault.seal_at_once([Secret(ana, SERVICE, "a" * 10_000)]) is None
        vault.erase([ana])
        assert vault.seal_at_once([secret]) is None

    def test_a_person_without_a_key_can_be_erased_in_advance(self, vault: SealingVault) -> None:
        ana = uuid7()
        vault.erase([ana])
        vault.erase([ana])
        assert isinstance(vault.seal([Secret(ana, SERVICE, "a")])[0], ErasedError)
        assert vault.erased([ana, uuid7()]) == {ana}

    def test_a_key_that_is_missing_is_no_erasure(self, vault: SealingVault) -> None:
        [token] = vault.seal([Secret(uuid7(), SERVICE, "a")])
        with pytest.raises(KeyMissingError):
            vault.open([Sealed("s1." + "A" * 22 + str(token)[25:])])

    def test_an_altered_value_does_not_open(self, vault: SealingVault) -> None:
        [token] = vault.seal([Secret(uuid7(), SERVICE, "Ana")])
        text = str(token)
        altered = text[:-2] + ("A" if text[-2] != "A" else "B") + text[-1]
        with pytest.raises(BrokenSealError):
            vault.open([Sealed(altered)])

    def test_fingerprints_and_derived_ids_are_equal_in_one_installation(
        self, vault: SealingVault, other: SealingVault
    ) -> None:
        assert vault.fingerprint(b"x") == other.fingerprint(b"x") != vault.fingerprint(b"y")
        assert vault.derive_id("crm", "17850") == other.derive_id("crm", "17850") != vault.derive_id("erp", "17850")
