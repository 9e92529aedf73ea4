"""The rows of agreements: their versions, and whether they hold."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.agreement.facts import (
    AgreementActivated,
    AgreementAmended,
    AgreementDrafted,
    AgreementResumed,
    AgreementRevoked,
    AgreementSuspended,
)
from domain.agreement.terms import Terms
from domain.fact import Fact
from domain.partner.facts import PartnerId
from projections.engine.columns import encode_json
from projections.partners.agreements import Agreement, State, agreements
from tests.unit.projections.folding import fold

PARTNER = PartnerId(UUID(int=7))
TERMS = Terms.model_validate(
    {"purpose": "delivery", "shows": [{"type": "crm.order.placed.v1", "fields": ["number"]}], "scope": "supplier"}
)
DRAFTED = AgreementDrafted(partner_id=PARTNER, terms=TERMS)
ACTIVE = AgreementActivated(version=1)


def folded(*facts: Fact) -> Agreement:
    row: Agreement = fold(agreements, DRAFTED, *facts)
    return row


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((), State.DRAFTED),
        ((ACTIVE,), State.ACTIVE),
        ((ACTIVE, AgreementSuspended()), State.SUSPENDED),
        ((ACTIVE, AgreementSuspended(), AgreementActivated(version=2)), State.SUSPENDED),
        ((ACTIVE, AgreementSuspended(), AgreementResumed()), State.ACTIVE),
        ((ACTIVE, AgreementRevoked()), State.REVOKED),
    ],
)
def test_an_agreement_says_whether_it_holds(facts: tuple[Fact, ...], state: State) -> None:
    assert folded(*facts).state == state


def test_each_version_is_kept_and_the_one_in_force_is_named() -> None:
    row = folded(ACTIVE, AgreementAmended(version=2, terms=TERMS.model_copy(update={"purpose": "service"})))
    assert ([version["purpose"] for version in row.versions], row.in_force) == (["delivery", "service"], 1)
    assert encode_json(row.versions)
