"""The types of inbound events there are; one more is a declaration like those here, named in the terms' INBOUND."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.inbound.availability import AVAILABILITY
from streams.inbound.kind import Inbound
from streams.inbound.lead import LEAD
from streams.inbound.service_done import SERVICE_DONE
from streams.inbound.shipment import SHIPMENT

TYPES: Mapping[str, Inbound[Any]] = {one.name: one for one in (AVAILABILITY, SHIPMENT, SERVICE_DONE, LEAD)}
