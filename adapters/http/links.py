"""What may be done next, as the document's links: with the id that a command has made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domain.decider import Registration, Registry

READS = {"customer": {"customers.read": "customer_id", "customers.history": "customer_id"}}  # and what takes the id


def links_of(registry: Registry) -> Mapping[str, Mapping[str, Any]]:
    """By command: each aggregate's first one, which begins it, leads to the others."""
    found: dict[str, Mapping[str, Any]] = {}
    for first, others in _by_aggregate(registry):
        made = f"$response.body#/ids/{first.targets[0].field}"
        takes = dict.fromkeys(others, "id") | READS.get(first.command.NAME.partition(".")[0], {})
        found[first.command.NAME] = {
            operation.replace(".", "-"): {"operationId": operation, "parameters": {parameter: made}}
            for operation, parameter in takes.items()
        }
    return found


def _by_aggregate(registry: Registry) -> Iterator[tuple[Registration, list[str]]]:
    begun: dict[str, tuple[Registration, list[str]]] = {}
    for registration in registry:
        _, others = begun.setdefault(registration.command.NAME.partition(".")[0], (registration, []))
        others.append(registration.command.NAME)
    return ((first, names[1:]) for first, names in begun.values())
