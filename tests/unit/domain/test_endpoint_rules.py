"""Endpoints: where a feed is delivered to, and by which secrets it is signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.agreement.facts import AgreementDrafted, AgreementId, AgreementRevoked
from domain.agreement.terms import Terms
from domain.endpoint.commands import (
    AddEndpoint,
    DisableEndpoint,
    EnableEndpoint,
    MoveEndpoint,
    RemoveEndpoint,
    RotateSecret,
)
from domain.endpoint.decider import UNKNOWN, agreed, evolve
from domain.endpoint.facts import (
    EndpointAdded,
    EndpointDisabled,
    EndpointEnabled,
    EndpointFact,
    EndpointId,
    EndpointMoved,
    EndpointRemoved,
    EndpointSecretRotated,
    Signing,
)
from domain.errors import ConflictError, ExistsError, RemovedError, UnknownError
from domain.partner.facts import PartnerId
from tests.given import given

HERE, FEED = EndpointId(UUID(int=1)), AgreementId(UUID(int=2))
URL = "https://partner.example/hooks"
ADDED = EndpointAdded(agreement_id=FEED, url=URL)
AT = datetime(2026, 3, 1, tzinfo=UTC)
TERMS = Terms.model_validate({"purpose": "delivery", "scope": "all", "shows": [{"type": "crm.order.placed.v1"}]})
DRAFTED = AgreementDrafted(partner_id=PartnerId(UUID(int=7)), terms=TERMS)


def add(**more: Any) -> AddEndpoint:
    return AddEndpoint(endpoint_id=HERE, agreement_id=FEED, url=URL, **more)


def test_an_endpoint_is_added_once_and_begins_with_the_feeds_first_entry() -> None:
    given().when(add()).then(EndpointAdded(agreement_id=FEED, url=URL, signing=Signing.HMAC, after=0))
    given().when(add(signing="ed25519", after=7)).then(
        EndpointAdded(agreement_id=FEED, url=URL, signing=Signing.ED25519, after=7)
    )
    given(ADDED).when(add()).then_refused(ExistsError)


def test_it_needs_an_agreement_that_was_not_revoked() -> None:
    given(DRAFTED, decider=agreed).when(add()).then()
    given(decider=agreed).when(add()).then_refused(UnknownError)
    given(DRAFTED, AgreementRevoked(), decider=agreed).when(add()).then_refused(ConflictError)


def test_it_is_disabled_once_and_enabled_as_often_as_somebody_will_not_wait() -> None:
    given(ADDED).when(DisableEndpoint(endpoint_id=HERE, reason="asked for")).then(EndpointDisabled(reason="asked for"))
    given(ADDED, EndpointDisabled()).when(DisableEndpoint(endpoint_id=HERE)).then()
    given(ADDED, EndpointDisabled()).when(EnableEndpoint(endpoint_id=HERE)).then(EndpointEnabled())
    given(ADDED).when(EnableEndpoint(endpoint_id=HERE)).then(EndpointEnabled())


def test_it_moves_to_another_address() -> None:
    there = "https://partner.example/there"
    given(ADDED).when(MoveEndpoint(endpoint_id=HERE, url=there)).then(EndpointMoved(url=there))
    given(ADDED).when(MoveEndpoint(endpoint_id=HERE, url=URL)).then()


def test_what_was_removed_or_never_was_takes_no_orders() -> None:
    given(ADDED).when(RemoveEndpoint(endpoint_id=HERE)).then(EndpointRemoved())
    given(ADDED, EndpointRemoved()).when(RemoveEndpoint(endpoint_id=HERE)).then()
    for command in (EnableEndpoint(endpoint_id=HERE), RotateSecret(endpoint_id=HERE, replaced_until=AT)):
        given(ADDED, EndpointRemoved()).when(command).then_refused(RemovedError)
        given().when(command).then_refused(UnknownError)


def test_a_secret_that_was_replaced_signs_until_its_time_has_come() -> None:
    later, latest = AT + timedelta(hours=24), AT + timedelta(hours=48)
    rotated = EndpointSecretRotated(number=2, replaced_until=later)
    given(ADDED).when(RotateSecret(endpoint_id=HERE, replaced_until=later)).then(rotated)
    again = EndpointSecretRotated(number=3, replaced_until=latest)
    given(ADDED, rotated).when(RotateSecret(endpoint_id=HERE, replaced_until=latest)).then(again)
    state = UNKNOWN
    facts: list[EndpointFact] = [ADDED, rotated, again]
    for fact in facts:
        state = evolve(state, fact)
    assert state.signing_at(AT) == [3, 2, 1]
    assert state.signing_at(later) == [3, 2]
    assert state.signing_at(latest) == [3]


@pytest.mark.parametrize(
    "url", ["ftp://partner.example/", "https://partner.example/a b", "partner.example", "https://"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        MoveEndpoint(endpoint_id=HERE, url=url)
