"""Streams that begin before anybody knows which customer they concern."""

from __future__ import annotations

from dataclasses import dataclass

from domain.customer.facts import CustomerId
from domain.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose a stream is: of its subject, or `anonymous` until the customer is identified."""

    anonymous: bool = False
    customer_id: CustomerId | None = None

    def would_learn(self, customer_id: CustomerId) -> bool:
        """False when it is known already; ConflictError when it is another's."""
        if self.customer_id == customer_id:
            return False
        if not self.anonymous or self.customer_id is not None:
            raise ConflictError("the customer is known already")
        return True


OF_SUBJECT = Whose()
