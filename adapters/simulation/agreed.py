"""What is agreed with the partner of the demonstration: its orders, without whose they are, and what it may send us."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from domain.agreement.terms import Accepted, Scope, Shown, Terms

TOPIC_CHARACTERS = 40
LINES = ("lines.product_id", "lines.quantity")
SHOWS = (
    Shown(type="crm.order.placed.v1", fields=("number", "kind", "country", "anonymous", *LINES)),
    Shown(type="crm.order.amended.v1", fields=LINES),
    Shown(type="crm.order.cancelled.v1"),
    Shown(type="crm.order.shipped.v1", fields=("carrier", "shipment", *LINES)),
)
ACCEPTS = (Accepted(type="partner.availability.v1"), Accepted(type="partner.shipment.v1"))


def terms_of(year: int) -> Terms:
    """They reach back over the year, which the simulation brought in as an import does."""
    return Terms(
        purpose="to make and send what was ordered",
        scope=Scope.SUPPLIER,
        shows=SHOWS,
        accepts=ACCEPTS,
        valid_from=datetime(year, 1, 1, tzinfo=UTC),
        imported=True,
    )


def topic_name(name: str) -> str:
    """As topics are named: the partner's name in small letters, without accents, with hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:TOPIC_CHARACTERS]
