"""Endpoints as the ledger tells of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from domain.decision import fold
from domain.endpoint.decider import Endpoint
from domain.endpoint.decider import endpoint as endpoints
from domain.errors import RemovedError, UnknownError
from domain.ports import Ledger


def find_endpoints(ledger: Ledger, endpoint_ids: Collection[UUID]) -> Mapping[UUID, Endpoint]:
    """Those that there are, or were."""
    if not endpoint_ids:
        return {}
    streams = fold(ledger.load(list(endpoint_ids)), {endpoint_id: [endpoints] for endpoint_id in endpoint_ids})
    found = {endpoint_id: streams[endpoint_id].state for endpoint_id in endpoint_ids}
    return {endpoint_id: state for endpoint_id, state in found.items() if isinstance(state, Endpoint)}


def endpoint_in(ledger: Ledger, endpoint_id: UUID) -> Endpoint:
    """Raises UnknownError, RemovedError."""
    found = find_endpoints(ledger, [endpoint_id]).get(endpoint_id)
    if found is None or found.agreement_id is None:
        raise UnknownError(endpoint=endpoint_id)
    if found.removed:
        raise RemovedError(endpoint=endpoint_id)
    return found
