"""Agreements: what their terms may say, versions, and what a narrower version takes away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from adapters.filters.cel import LONGEST, CelFilters, FilterError, row_filter_checks
from domain.agreement.commands import (
    ActivateAgreement,
    AmendAgreement,
    DraftAgreement,
    ResumeAgreement,
    RevokeAgreement,
    SuspendAgreement,
)
from domain.agreement.facts import (
    AgreementActivated,
    AgreementAmended,
    AgreementDrafted,
    AgreementId,
    AgreementResumed,
    AgreementRevoked,
    AgreementSuspended,
)
from domain.agreement.terms import Scope, Terms, TermsError, narrowed
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.fact import decode
from domain.partner.facts import PartnerId
from tests.given import given

AGREEMENT, PARTNER = AgreementId(UUID(int=1)), PartnerId(UUID(int=2))
ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines.quantity"]}
CUSTOMERS = {"type": "crm.customer.registered.v1", "fields": ["name", "country"], "masks": {"name": "first_letter"}}


def terms(*shows: dict[str, Any], **more: Any) -> Terms:
    return Terms.model_validate({"purpose": "delivery", "shows": shows or [ORDERS], "scope": "all", **more})


TERMS, WIDER = terms(), terms(ORDERS, CUSTOMERS)
DRAFTED = AgreementDrafted(partner_id=PARTNER, terms=TERMS)
AMENDED = AgreementAmended(version=2, terms=WIDER)


def draft(agreed: Terms) -> DraftAgreement:
    return DraftAgreement(agreement_id=AGREEMENT, partner_id=PARTNER, terms=agreed)


def test_an_agreement_is_drafted_once_and_each_amendment_is_a_version() -> None:
    given().when(draft(TERMS)).then(DRAFTED)
    given(DRAFTED).when(draft(TERMS)).then_refused(ExistsError)
    amend = AmendAgreement(agreement_id=AGREEMENT, terms=WIDER)
    given(DRAFTED).when(amend).then(AMENDED)
    given(DRAFTED, AMENDED).when(amend).then()
    back = AmendAgreement(agreement_id=AGREEMENT, terms=TERMS)
    given(DRAFTED, AMENDED).when(back).then(AgreementAmended(version=3, terms=TERMS))
    given().when(amend).then_refused(UnknownError)


def test_a_version_holds_once_it_is_activated_by_default_the_newest() -> None:
    given(DRAFTED).when(ActivateAgreement(agreement_id=AGREEMENT)).then(AgreementActivated(version=1))
    active = AgreementActivated(version=1)
    given(DRAFTED, active).when(ActivateAgreement(agreement_id=AGREEMENT)).then()
    given(DRAFTED, active, AMENDED).when(ActivateAgreement(agreement_id=AGREEMENT)).then(AgreementActivated(version=2))
    given(DRAFTED).when(ActivateAgreement(agreement_id=AGREEMENT, version=2)).then_refused(UnknownError)


def test_it_is_suspended_resumed_and_revoked_for_good() -> None:
    suspend, resume = SuspendAgreement(agreement_id=AGREEMENT), ResumeAgreement(agreement_id=AGREEMENT)
    active, revoke = AgreementActivated(version=1), RevokeAgreement(agreement_id=AGREEMENT, reason="over")
    given(DRAFTED).when(suspend).then_refused(ConflictError)
    given(DRAFTED, active).when(suspend).then(AgreementSuspended())
    given(DRAFTED, active, AgreementSuspended()).when(suspend).then()
    given(DRAFTED, active, AgreementSuspended()).when(resume).then(AgreementResumed())
    given(DRAFTED, active).when(resume).then()
    revoked = AgreementRevoked(reason="over")
    given(DRAFTED, active).when(revoke).then(revoked)
    given(DRAFTED, active, revoked).when(revoke).then()
    given(DRAFTED, active, revoked).when(ActivateAgreement(agreement_id=AGREEMENT)).then_refused(ConflictError)


@pytest.mark.parametrize(
    ("shown", "more", "match"),
    [
        ({"type": "crm.order.lost.v1"}, {}, "no facts of this type"),
        ({"type": "crm.order.placed.v2"}, {}, "no facts of this type"),
        ({"type": "crm.access.key_issued.v1"}, {}, "not for partners"),
        ({"type": "crm.employee.hired.v1"}, {}, "not for partners"),
        ({"type": "crm.customer.registered.v1"}, {"scope": "supplier"}, "not for partners in this scope"),
        ({"type": "crm.order.placed.v1", "fields": ["total"]}, {}, "no such field"),
        ({"type": "crm.order.placed.v1", "fields": ["lines.total"]}, {}, "no such field"),
        ({"type": "crm.order.placed.v1", "fields": ["number.x"]}, {}, "no such field"),
        ({"type": "crm.order.placed.v1", "fields": ["lines."]}, {}, "no such field"),
        ({"type": "crm.order.placed.v1", "fields": [], "masks": {"number": "year"}}, {}, "must be shown"),
        (ORDERS, {"scope": "customers"}, "customers are named"),
        (ORDERS, {"customers": [UUID(int=5)]}, "customers are named"),
    ],
)
def test_terms_name_what_there_is_and_what_partners_may_see(
    shown: dict[str, Any], more: dict[str, Any], match: str
) -> None:
    given().when(draft(terms(shown, **more))).then_refused(TermsError, match)


def test_terms_end_after_they_begin() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    given().when(draft(terms(valid_from=at, valid_until=at))).then_refused(InvalidError)


@pytest.mark.parametrize(
    ("accepts", "more", "match"),
    [
        ([{"type": "partner.wish.v1"}], {}, "no events of this type"),
        ([{"type": "crm.order.placed.v1"}], {}, "no events of this type"),
        ([{"type": "partner.lead.v1"}], {"scope": "supplier", "shows": [ORDERS]}, "cannot bound"),
        ([{"type": "partner.availability.v1", "scope": "territory"}], {}, "cannot bound"),
        ([{"type": "partner.lead.v1"}] * 2, {}, "accepted once"),
        ([{"type": "partner.shipment.v1", "scope": "customers"}], {}, "customers are named"),
    ],
)
def test_terms_accept_what_partners_can_send_in_a_scope_that_bounds_it(
    accepts: list[dict[str, Any]], more: dict[str, Any], match: str
) -> None:
    given().when(draft(terms(accepts=accepts, **more))).then_refused(TermsError, match)


def test_an_event_is_accepted_in_a_scope_of_its_own_or_in_the_agreements() -> None:
    accepts = [{"type": "partner.lead.v1", "scope": "territory"}, {"type": "partner.shipment.v1"}]
    agreed = terms(scope="supplier", accepts=accepts)
    given().when(draft(agreed)).then(AgreementDrafted(partner_id=PARTNER, terms=agreed))
    types = ("partner.lead.v1", "partner.shipment.v1", "partner.availability.v1")
    assert [agreed.accepted(one) for one in types] == [Scope.TERRITORY, Scope.SUPPLIER, None]


def test_terms_of_before_there_were_inbound_events_accept_none() -> None:
    shows = b'[{"type":"crm.order.placed.v1"}]'
    stored = b'{"partner_id":"%s","terms":{"purpose":"p","shows":%s,"scope":"all"}}' % (str(PARTNER).encode(), shows)
    fact = decode("crm.agreement.drafted.v1", stored)
    assert isinstance(fact, AgreementDrafted)
    assert fact.terms.accepts == ()


def test_each_type_is_shown_once() -> None:
    given().when(draft(terms(ORDERS, ORDERS))).then_refused(TermsError, "once")


@pytest.mark.parametrize(
    "after",
    [
        terms(CUSTOMERS),
        terms({**ORDERS, "fields": ["number"]}, CUSTOMERS),
        terms({**ORDERS, "masks": {"number": "first_letter"}}, CUSTOMERS),
    ],
)
def test_what_shows_less_of_a_type_takes_that_type_away(after: Terms) -> None:
    assert narrowed(WIDER, after) == {"crm.order.placed.v1"}


@pytest.mark.parametrize(
    "more",
    [
        {"scope": "territory"},
        {"row_filter": "true"},
        {"consent": {"channel": "partner_sharing", "purpose": "service"}},
        {"valid_from": datetime(2026, 3, 1, tzinfo=UTC)},
        {"valid_until": datetime(2026, 3, 1, tzinfo=UTC)},
    ],
)
def test_what_tells_of_fewer_takes_all_types_away(more: dict[str, Any]) -> None:
    assert narrowed(WIDER, terms(ORDERS, CUSTOMERS, **more)) == {ORDERS["type"], CUSTOMERS["type"]}
    assert narrowed(terms(ORDERS, CUSTOMERS, **more), WIDER) == set()


def test_what_shows_more_takes_nothing_away() -> None:
    assert narrowed(TERMS, WIDER) == set()
    assert narrowed(TERMS, terms({**ORDERS, "fields": ["number", "lines"]})) == set()
    one, two = (terms(scope="customers", customers=[UUID(int=n) for n in range(most)]) for most in (1, 2))
    assert narrowed(one, two) == set()
    assert narrowed(two, one) == {ORDERS["type"]}


@pytest.mark.parametrize(
    ("expression", "match"),
    [
        ("fact.", "Syntax error"),
        ("country == 'PT'", "names what there is not: country"),
        ("fact.number.matches('(a+)+$')", "may not: matches"),
        ("fact.lines.map(l, l.quantity) == [1]", "may not: filter, map"),
        ("fact.lines . map (l, l.quantity) == [1]", "may not: filter, map"),
        ("fact.lines.all(a, a.parts.all(b, b > 1))", "that part alone"),
        ("fact.lines.all(a, a in fact.lines)", "that part alone"),
        ("fact.lines.all(a, a in fact['lines'])", "that part alone"),
        (" && ".join(["fact.lines.all(a, true)"] * 4), "more than 3 lists"),
        (r"r'\' == 'x' || fact.lines.map(a, a) == ['", "backslash"),
        ("'''a''' == fact.number", "three quotes"),
        ("true // fact.lines.map(", "comment"),
        ("fact.lines.filter(l, true) == []", "may not: filter, map"),
        ("now() > 1", "may not: now"),
        ("true" + " || true" * (LONGEST // 8), "longer than"),
        ("(" * 200 + "true" + ")" * 200, "no CEL"),
    ],
)
def test_a_row_filter_that_cannot_be_used_is_refused_before_it_is_decided(expression: str, match: str) -> None:
    check = row_filter_checks(CelFilters())[AmendAgreement]
    with pytest.raises(FilterError, match=match):
        check(AmendAgreement(agreement_id=AGREEMENT, terms=terms(row_filter=expression)))
