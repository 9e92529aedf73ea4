"""Whose facts are passed on: under which ids a customer is known, who is erased, and what they permit. Pure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.agreement.terms import ConsentNeeded
from domain.customer import facts as customers
from domain.customer.consents import UNTOLD, Needed, Permissions, Standing, evolve, standing
from domain.event import Event
from domain.opportunity.facts import OpportunityCustomerIdentified
from domain.order.facts import OrderCustomerIdentified
from domain.ticket.facts import TicketCustomerIdentified

Identified = OrderCustomerIdentified | TicketCustomerIdentified | OpportunityCustomerIdentified
IDENTIFIED = frozenset({fact.TYPE for fact in (OrderCustomerIdentified, TicketCustomerIdentified,
                                               OpportunityCustomerIdentified)})  # fmt: skip
TOLD = frozenset(
    fact.TYPE
    for fact in (
        *(customers.ConsentGiven, customers.ConsentWithdrawn, customers.PersonErased),
        *(customers.CustomerMerged, customers.CustomerUnmerged),
        *(customers.CustomerAbsorbed, customers.CustomerReleased),
    )
)
TYPES = TOLD | IDENTIFIED
WITHDRAWING = frozenset({customers.ConsentWithdrawn.TYPE, customers.CustomerMerged.TYPE})
NOBODY: frozenset[UUID] = frozenset()


class People:
    """What the facts of TYPES have told so far; all of a subject's, in order."""

    def __init__(self) -> None:
        self._told: dict[UUID, Permissions] = {}
        self._customer_of: dict[UUID, UUID] = {}  # of what was anonymous at first
        self._subjects_of: dict[UUID, frozenset[UUID]] = {}
        self._erased: set[UUID] = set()

    def learn(self, event: Event) -> None:
        if event.type in TOLD:
            self._told[event.subject_id] = evolve(self._told.get(event.subject_id, UNTOLD), event)
            if isinstance(event.fact, customers.PersonErased) and event.fact.everyone:
                self._erased.add(event.subject_id)
        elif event.type in IDENTIFIED and isinstance(event.fact, Identified):
            customer_id = event.fact.customer_id
            self._customer_of[event.subject_id] = customer_id
            self._subjects_of[customer_id] = self._subjects_of.get(customer_id, NOBODY) | {event.subject_id}

    def ids_of(self, subject_id: UUID) -> frozenset[UUID]:
        """The subject, the customer that it turned out to be, and the one that goes on after merges."""
        customer_id = self._customer_of.get(subject_id, subject_id)
        survivor_id = self._told.get(customer_id, UNTOLD).merged_into or customer_id
        return frozenset({subject_id, customer_id, survivor_id})

    def customer_of(self, subject_id: UUID) -> UUID:
        """Under whose id all goes on."""
        customer_id = self._customer_of.get(subject_id, subject_id)
        return self._told.get(customer_id, UNTOLD).merged_into or customer_id

    def subjects_of(self, customer_id: UUID) -> frozenset[UUID]:
        """All subjects whose facts are this customer's, whatever id of theirs it is."""
        survivor_id = self.customer_of(customer_id)
        customer_ids = {survivor_id, customer_id, *self._told.get(survivor_id, UNTOLD).absorbed}
        return frozenset(customer_ids.union(*(self._subjects_of.get(one, NOBODY) for one in customer_ids)))

    def related(self, subject_id: UUID) -> frozenset[UUID]:
        """Whose facts must be known to say what holds for the subject."""
        ids = self.ids_of(subject_id)
        return ids.union(*(self._told.get(one, UNTOLD).absorbed for one in ids))

    def is_erased(self, subject_id: UUID) -> bool:
        return not self._erased.isdisjoint(self.ids_of(subject_id))

    def permits(self, subject_id: UUID, needed: ConsentNeeded, at: datetime) -> bool:
        customer_id = self._customer_of.get(subject_id, subject_id)
        asked = Needed(customer_id, needed.channel, needed.purpose)
        return standing(customer_id, asked, lambda one: self._told.get(one, UNTOLD), at) is Standing.GIVEN
