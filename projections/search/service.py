"""The service of search: the texts, and what tells whose they are."""

from __future__ import annotations

from projections.engine.readmodel import Service
from projections.marketing.customer_profile import customer_profile
from projections.sales.employees import employees
from projections.search.indexing import Opening, derived_by
from projections.search.texts import texts_with
from projections.support.tickets import tickets

NAME = "search"


def search_with(opening: Opening) -> Service:
    return Service(name=NAME, read_models=(employees, customer_profile, tickets, texts_with(derived_by(opening))))
