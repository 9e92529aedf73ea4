"""The catalogue of everything that can be shown: each department's service and its views."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import NamedTuple

from domain.errors import InvalidError
from projections.audit.service import VIEWS as AUDIT
from projections.audit.service import audit
from projections.engine.readmodel import Service
from projections.marketing.purchases import COMPANY_ZONE
from projections.marketing.service import VIEWS as MARKETING
from projections.marketing.service import marketing_in
from projections.partners.service import VIEWS as PARTNERS
from projections.partners.service import partners
from projections.sales.service import VIEWS as SALES
from projections.sales.service import sales
from projections.search.indexing import Opening
from projections.search.service import search_with
from projections.support.service import VIEWS as SUPPORT
from projections.support.service import support
from projections.view import View


class UnknownViewError(InvalidError):
    """There is no such view; `relato show` names them all."""


class Shown(NamedTuple):
    """A view, and the service in whose schema it is."""

    service: str
    view: View


def services(zone: tzinfo = COMPANY_ZONE, opening: Opening | None = None) -> tuple[Service, ...]:
    """All services, with the days of the company's time zone; search, where there is something to open texts with."""
    found = (sales, marketing_in(zone), support, partners, audit)
    return (*found, search_with(opening)) if opening else found


SERVICES = services()
VIEWS: Mapping[str, Shown] = {
    view.name: Shown(service, view)
    for service, views in (
        ("sales", SALES),
        ("marketing", MARKETING),
        ("support", SUPPORT),
        ("partners", PARTNERS),
        ("audit", AUDIT),
    )
    for view in views
}


def find_view(name: str) -> Shown:
    """By its name, with the service's name and a dot before it or without; UnknownViewError."""
    service, _, bare = name.rpartition(".")
    shown = VIEWS.get(bare)
    if shown is None or service not in ("", shown.service):
        raise UnknownViewError(view=name)
    return shown
