"""The rows of a view that the role sees, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import chain
from typing import Any

from adapters.cli.asking import asker_in, grant_in
from adapters.cli.freshness import freshen
from adapters.cli.installation import Deployment, Installation
from adapters.cli.models import service_named
from adapters.postgres.views import read_rows, reading
from projections.asking import ask
from projections.catalogue import VIEWS

AGREEMENTS = "agreements"


def rows_of(deployment: Deployment, installation: Installation, name: str) -> Iterator[Mapping[str, Any]]:
    """Folded up to now."""
    place = VIEWS[name]
    freshen(installation, service_named(deployment, place.service), None)
    question = ask(place.view, grant_in(deployment), asker_in(deployment, installation), (), None)
    with closing(installation.connect(place.service)) as db, reading(db, deployment.time_zone):
        pages = read_rows(db, place.view, question.conditions, question.order)
        for row in chain.from_iterable(pages):
            yield dict(zip(place.view.columns, row, strict=True))
