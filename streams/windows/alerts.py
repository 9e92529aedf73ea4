"""Alerts as CloudEvents: what a rule noticed, under an id that is the same whenever it notices it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic_core import from_json

from domain.ticket.facts import Priority
from streams.envelope import Headers, MalformedRecordError, rfc3339
from streams.topics import ALERTS

NAMESPACE = UUID("6b1f0c0e-5f0a-4d0e-9a39-7d1c2b8e4f61")


class Alert(BaseModel):
    """The content. `DEPARTMENTS` see it; it holds nothing that their shares of the ledger do not."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    TYPE: ClassVar[str]
    DEPARTMENTS: ClassVar[frozenset[str]]


class SlaAtRisk(Alert):
    """An open ticket has used up most of the time that its priority allows; `due_at` is when all of it is."""

    TYPE = "crm.alert.sla_at_risk.v1"
    DEPARTMENTS = frozenset({"sales", "support"})
    ticket_id: UUID
    priority: Priority
    opened_at: AwareDatetime
    due_at: AwareDatetime
    category: str | None = None
    product_id: UUID | None = None
    agent_id: UUID | None = None


class ComplaintsBurst(Alert):
    """So many tickets complained of one product within a short time; `ticket_ids` are the latest of them."""

    TYPE = "crm.alert.complaints_burst.v1"
    DEPARTMENTS = frozenset({"sales", "support"})
    product_id: UUID
    complaints: int
    since: AwareDatetime
    ticket_ids: tuple[UUID, ...]


TYPES: Mapping[str, type[Alert]] = {alert.TYPE: alert for alert in (SlaAtRisk, ComplaintsBurst)}


class Raised(NamedTuple):
    """An alert with its place: whom or what it is about, and when it arose."""

    id: UUID
    subject_id: UUID
    at: datetime
    alert: Alert


def raised(subject_id: UUID, at: datetime, alert: Alert, *cause: object) -> Raised:
    """`cause`: what makes it this alert and no other, whatever the rules' figures are by then."""
    return Raised(uuid5(NAMESPACE, " ".join(map(str, (alert.TYPE, *cause)))), subject_id, at, alert)


class AlertRecord(NamedTuple):
    """An alert as a record of its topic."""

    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def encode_alert(one: Raised, source: str) -> AlertRecord:
    """`source` names the installation, as `/relato/<name>`."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(one.id).encode()),
        ("ce_source", source.encode()),
        ("ce_type", one.alert.TYPE.encode()),
        ("ce_time", rfc3339(one.at).encode()),
    ]
    value = one.alert.model_dump_json(exclude_none=True).encode()
    return AlertRecord(one.subject_id.int % ALERTS.partitions, one.subject_id.bytes, value, headers)


class Told(NamedTuple):
    """An alert as it was read back; `content` as JSON has it, of a type that may be newer than this release."""

    id: UUID
    type: str
    at: datetime
    subject_id: UUID
    content: Mapping[str, Any]

    @property
    def departments(self) -> frozenset[str]:
        return TYPES[self.type].DEPARTMENTS if self.type in TYPES else frozenset()


def decode_alert(partition: int, offset: int, key: bytes | None, value: bytes | None, headers: Headers) -> Told:
    """Raises MalformedRecordError."""
    try:
        named = dict(headers)
        return Told(
            UUID(named["ce_id"].decode()),
            named["ce_type"].decode(),
            datetime.fromisoformat(named["ce_time"].decode()),
            UUID(bytes=key),
            from_json(value or b""),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedRecordError(partition=partition, offset=offset) from error
