"""The JSON Schema of a fact as it is stored and sent: personal values sealed, what is absent left out."""

from __future__ import annotations

from typing import Any

from domain.fact import Fact
from streams.schemas import DIALECT, AsSent
from streams.windows.alerts import TYPES, Alert

Schema = dict[str, Any]


def schema_of(fact: type[Fact]) -> Schema:
    described = fact.model_json_schema(schema_generator=AsSent, mode="serialization")
    return {"$schema": DIALECT, "$id": f"urn:relato:fact:{fact.TYPE}", **described}


def published() -> dict[str, Schema]:
    """The schema of every type that the domain can write, by its name."""
    facts = (fact for fact in Fact.types.values() if fact.__module__.startswith("domain."))
    return {fact.TYPE: schema_of(fact) for fact in sorted(facts, key=lambda fact: fact.TYPE)}


def published_alerts() -> dict[str, Schema]:
    """The schema of every alert, by its type."""
    return {type_: _schema_of_alert(alert) for type_, alert in sorted(TYPES.items())}


def _schema_of_alert(alert: type[Alert]) -> Schema:
    described = alert.model_json_schema(schema_generator=AsSent, mode="serialization")
    return {"$schema": DIALECT, "$id": f"urn:relato:alert:{alert.TYPE}", **described}
