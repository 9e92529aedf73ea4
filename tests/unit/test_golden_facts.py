"""Every published fact can still be read: one stored payload of each type and version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from domain import catalogue
from domain.errors import UnknownFactError
from domain.fact import Fact, decode, upcast

GOLDEN = Path(__file__).parent.parent / "golden"
PUBLISHED = sorted(type_ for type_, fact in Fact.types.items() if fact.__module__.startswith("domain."))


class ParcelSent(Fact):
    """A fact in its third version; of the first two only stored bytes are left."""

    TYPE = "test.parcel.sent.v3"
    weight_g: int
    carrier: str = "unknown"


@upcast("test.parcel.sent.v1", "test.parcel.sent.v2")
def _weigh_in_grams(content: dict[str, object]) -> dict[str, object]:
    return {"weight_g": int(str(content["weight_kg"])) * 1000}


@upcast("test.parcel.sent.v2", "test.parcel.sent.v3")
def _name_the_carrier(content: dict[str, object]) -> dict[str, object]:
    return content | {"carrier": "post"}


def test_the_catalogue_registers_the_facts_of_every_aggregate() -> None:
    registrations = catalogue.REGISTRY._by_class.values()  # those that are not offered, too
    aggregates = {registration.targets[0].decider.name for registration in registrations}
    assert {type_.split(".")[1] for type_ in PUBLISHED} == aggregates


def test_every_published_type_has_a_golden_file_and_no_file_is_left_over() -> None:
    assert sorted(file.name.removesuffix(".json") for file in GOLDEN.iterdir()) == PUBLISHED


@pytest.mark.parametrize("type_", PUBLISHED)
def test_a_stored_payload_decodes_and_is_encoded_equal(type_: str) -> None:
    fact = decode(type_, (GOLDEN / f"{type_}.json").read_bytes())
    assert type(fact) is Fact.types[type_]
    assert json.loads(fact.encode()) == stored(type_)


def test_a_golden_payload_has_every_field() -> None:
    for type_ in PUBLISHED:
        assert stored(type_).keys() == Fact.types[type_].model_fields.keys()


def test_a_reader_ignores_what_a_newer_release_added() -> None:
    for type_ in PUBLISHED:
        newer = json.dumps(stored(type_) | {"added_later": [1]}).encode()
        assert json.loads(decode(type_, newer).encode()) == stored(type_)


def test_a_fact_with_an_unknown_field_cannot_be_written() -> None:
    for type_ in PUBLISHED:
        with pytest.raises(ValidationError, match="invented"):
            Fact.types[type_].model_validate_json(json.dumps(stored(type_) | {"invented": 1}))


def test_every_published_fact_declares_a_type_of_its_own() -> None:
    classes = [fact for fact in _subclasses(Fact) if fact.__module__.startswith("domain.")]
    assert sorted(fact.__dict__["TYPE"] for fact in classes) == PUBLISHED


def test_a_fact_that_declares_no_type_is_refused() -> None:
    with pytest.raises(TypeError, match="declares no TYPE of its own"):
        type("ParcelLost", (ParcelSent,), {"__module__": __name__})


def test_a_type_that_is_taken_is_refused() -> None:
    with pytest.raises(TypeError, match=r"test\.parcel\.sent\.v3 is taken"):
        type("ParcelResent", (Fact,), {"__module__": __name__, "TYPE": ParcelSent.TYPE})


def test_a_fact_stored_in_its_first_version_reads_as_the_newest() -> None:
    assert decode("test.parcel.sent.v1", b'{"weight_kg":2}') == ParcelSent(weight_g=2000, carrier="post")


def test_a_version_has_one_upcaster() -> None:
    with pytest.raises(TypeError, match="has an upcaster already"):
        upcast("test.parcel.sent.v1", "test.parcel.sent.v3")(dict)


def test_a_fact_of_an_unknown_type_is_not_guessed_at() -> None:
    with pytest.raises(UnknownFactError):
        decode("test.parcel.vanished.v1", b"{}")


def stored(type_: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GOLDEN / f"{type_}.json").read_bytes())
    return content


def _subclasses(fact: type[Fact]) -> list[type[Fact]]:
    return [found for direct in fact.__subclasses__() for found in (direct, *_subclasses(direct))]
