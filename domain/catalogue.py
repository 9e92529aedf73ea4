"""The catalogue of everything that can be ordered; importing it registers every type of fact."""

from __future__ import annotations

from domain.access.decider import REGISTRATIONS as ACCESS
from domain.agreement.decider import REGISTRATIONS as AGREEMENT
from domain.attachment.decider import REGISTRATIONS as ATTACHMENT
from domain.contract.decider import REGISTRATIONS as CONTRACT
from domain.customer.decider import REGISTRATIONS as CUSTOMER
from domain.decider import Registry
from domain.employee.decider import REGISTRATIONS as EMPLOYEE
from domain.endpoint.decider import REGISTRATIONS as ENDPOINT
from domain.feed.decider import REGISTRATIONS as FEED
from domain.field.decider import REGISTRATIONS as FIELD
from domain.interaction.decider import REGISTRATIONS as INTERACTION
from domain.opportunity.decider import REGISTRATIONS as OPPORTUNITY
from domain.order.decider import REGISTRATIONS as ORDER
from domain.partner.decider import REGISTRATIONS as PARTNER
from domain.product.decider import REGISTRATIONS as PRODUCT
from domain.territory.decider import REGISTRATIONS as TERRITORY
from domain.ticket.decider import REGISTRATIONS as TICKET

REGISTRY = Registry(
    (
        *CUSTOMER,
        *INTERACTION,
        *OPPORTUNITY,
        *CONTRACT,
        *ORDER,
        *TICKET,
        *ATTACHMENT,
        *PRODUCT,
        *EMPLOYEE,
        *PARTNER,
        *AGREEMENT,
        *ENDPOINT,
        *FEED,
        *TERRITORY,
        *FIELD,
        *ACCESS,
    )
)
