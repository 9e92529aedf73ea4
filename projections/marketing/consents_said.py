"""Consents as they were said: the last of a person, a channel and a purpose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import NamedTuple
from uuid import UUID

from domain.customer.consents import consent_of
from domain.customer.facts import ConsentChannel, ConsentGiven, ConsentWithdrawn, PersonErased
from domain.event import Event
from domain.personal import Purpose, Sealed
from projections.engine.readmodel import Key, ReadModel


class ConsentSaid(NamedTuple):
    """`person_id` is the customer's own, or a contact's; how it stands now is the view's."""

    customer_id: UUID
    person_id: UUID
    channel: str
    purpose: str
    given: bool
    valid_from: datetime
    valid_until: datetime | None
    said_at: datetime
    source: str | None
    evidence: Sealed | None


def keys(event: Event) -> Sequence[Key]:
    """An erasure takes all that its persons may have said."""
    if isinstance(event.fact, PersonErased):
        return [(event.stream_id, *key) for key in product(event.fact.person_ids, ConsentChannel, Purpose)]
    said = consent_of(event)
    return [(event.stream_id, *said[0])] if said else []


def evolve(_row: ConsentSaid | None, event: Event) -> ConsentSaid | None:
    if (said := consent_of(event)) is None:
        return None
    whose, consent = said
    return ConsentSaid(event.stream_id, *whose, **consent._asdict())


consents_said = ReadModel(
    name="consents_said",
    version=1,
    row=ConsentSaid,
    key=4,
    facts=(ConsentGiven, ConsentWithdrawn, PersonErased),
    keys=keys,
    evolve=evolve,
)
