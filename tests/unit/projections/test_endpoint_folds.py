"""The rows of endpoints: where to, and whether anything is delivered."""

from __future__ import annotations

from uuid import UUID

from domain.agreement.facts import AgreementId
from domain.endpoint.facts import (
    EndpointAdded,
    EndpointDisabled,
    EndpointEnabled,
    EndpointMoved,
    EndpointRemoved,
    EndpointSecretRotated,
)
from domain.fact import Fact
from domain.moments import LAST
from projections.partners.endpoints import Endpoint, State, endpoints
from tests.unit.projections.folding import fold

ADDED = EndpointAdded(agreement_id=AgreementId(UUID(int=2)), url="https://partner.example/hooks")


def folded(*facts: Fact) -> Endpoint:
    row: Endpoint = fold(endpoints, ADDED, *facts)
    return row


def test_an_endpoint_says_whether_it_is_delivered_to_and_why_not() -> None:
    gone = EndpointDisabled(reason="answered 410: it wants no more")
    assert (folded().state, folded().reason) == (State.ENABLED, None)
    assert (folded(gone).state, folded(gone).reason) == (State.DISABLED, gone.reason)
    assert (folded(gone, EndpointEnabled()).state, folded(gone, EndpointEnabled()).reason) == (State.ENABLED, None)
    assert folded(EndpointRemoved(reason="pulls again")).state == State.REMOVED


def test_it_says_where_to_and_nothing_of_secrets() -> None:
    row = folded(EndpointMoved(url="https://partner.example/there"))
    assert row.url == "https://partner.example/there"
    assert folded(EndpointSecretRotated(number=2, replaced_until=LAST))._replace(changed_at=row.changed_at) == (
        folded()._replace(changed_at=row.changed_at)
    )
