"""Services and read models by their names; a view may show several."""

from __future__ import annotations

from adapters.cli.installation import Deployment
from domain.errors import RelatoError
from projections.engine.readmodel import Service


class UnknownReadModelError(RelatoError):
    """There is no such read model."""


def service_of(deployment: Deployment, read_model: str) -> Service:
    """The service that keeps it; each has its own `alias`, of which the first is meant."""
    found = next((service for service in deployment.services if service.named(read_model)), None)
    if found is None:
        names = {model.name for service in deployment.services for model in service.models}
        raise UnknownReadModelError(f"there is no read model {read_model}; there are {', '.join(sorted(names))}")
    return found


def service_named(deployment: Deployment, name: str) -> Service:
    """One of the catalogue's."""
    return next(service for service in deployment.services if service.name == name)
