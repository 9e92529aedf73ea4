"""Erasures: which facts say that persons' keys are destroyed, and whose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never, cast
from uuid import UUID

from domain.customer.facts import PersonErased
from domain.employee.facts import EmployeeErased
from domain.event import Event

Erasure = PersonErased | EmployeeErased

ERASURES: tuple[str, ...] = (PersonErased.TYPE, EmployeeErased.TYPE)


def persons_of(event: Event) -> Iterable[UUID]:
    """Whom an erasure erases; ValidationError when it cannot be read."""
    fact = cast("Erasure", event.fact)
    match fact:
        case PersonErased(person_ids=person_ids):
            return person_ids
        case EmployeeErased():
            return (event.stream_id,)
        case _:
            assert_never(fact)
