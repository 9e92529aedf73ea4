"""How far every part has come, read from the databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime

from pydantic import BaseModel

from adapters.cli.installation import Installation
from adapters.postgres.views import count_workers
from projections.engine.parking import list_parked
from projections.engine.progress import lag
from projections.engine.readmodel import Service
from projections.engine.schema import prepare
from projections.engine.stops import list_stops

MOST_PARKED = 1_000
RELAY = "relay "


class StoppedModel(BaseModel):
    """A read model that is not folded on, at least in some partitions, until its fold is mended."""

    read_model: str
    since: datetime
    reason: str


class ServiceOverview(BaseModel):
    """`behind` is that of the read model that lags most, in facts; `parked` counts facts, up to 1,000."""

    service: str
    workers: int
    behind: int
    parked: int
    oldest_parked: datetime | None = None
    stopped: list[StoppedModel]


class SubscriberOverview(BaseModel):
    """A consumer group on one of our topics; `behind` in records."""

    group: str
    topic: str
    behind: int


class Overview(BaseModel):
    """`relay`, that of the topic that lags most, `eraser` and `feeds` are positions; None where the part never ran."""

    position: int
    services: list[ServiceOverview]
    relays: dict[str, int] = {}  # positions, by topic
    relay: int | None
    relay_behind: int | None
    eraser: int | None
    feeds: int | None = None
    checkpoint_size: int
    checkpoint_at: datetime | None
    uncovered: int


def look(services: Sequence[Service], installation: Installation) -> Overview:
    position, heads = installation.ledger.last_position(), installation.ledger.partition_heads()
    progress = installation.progress
    relays = {name.removeprefix(RELAY): place for name, place in progress.items() if name.startswith(RELAY)}
    furthest_behind = min(relays.values(), default=None)
    head = installation.checkpoints.newest()
    return Overview(
        position=position,
        services=[_look_at(installation, service, heads) for service in services],
        relays=relays,
        relay=furthest_behind,
        relay_behind=None if furthest_behind is None else max(0, position - furthest_behind),
        eraser=progress.get("eraser"),
        feeds=progress.get("feeds"),
        checkpoint_size=head.frontier.size,
        checkpoint_at=installation.signed_at,
        uncovered=max(0, position - head.frontier.size),
    )


def _look_at(installation: Installation, service: Service, heads: Mapping[int, int]) -> ServiceOverview:
    with closing(installation.connect(service.name)) as db:
        if db.execute("select to_regclass('projection_parked')").fetchone() == (None,):
            prepare(db, service)
        behind: dict[str, int] = {}
        for place in lag(db, heads):
            behind[place.model] = behind.get(place.model, 0) + place.behind
        parked = list_parked(db, limit=MOST_PARKED)
        return ServiceOverview(
            service=service.name,
            workers=count_workers(db),
            behind=max(behind.values(), default=0),
            parked=len(parked),
            oldest_parked=min((fact.parked_at for fact in parked), default=None),
            stopped=[StoppedModel(read_model=s.model, since=s.since, reason=s.reason) for s in list_stops(db)],
        )
