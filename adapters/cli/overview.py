"""How far every part has come, read from the databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from adapters.cli.installation import Installation
from adapters.postgres.partner_topics import OpenTopic
from adapters.postgres.views import count_workers
from adapters.postgres.webhooks import Delivered
from projections.engine.parking import list_parked
from projections.engine.progress import lag
from projections.engine.readmodel import Service
from projections.engine.schema import prepare
from projections.engine.stops import list_stops
from streams.topics import partner_topic

MOST_PARKED = 1_000
RELAY = "relay "
# as JSON, because an older release's view has no such column
ENDINGS = "select told from (select to_jsonb(a) as told from agreements a) t where told ->> 'feed_state' = 'ending'"


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


class PartnerTopicOverview(BaseModel):
    """A partner's topic; `sent` is a number of its feed, `behind` counts entries."""

    name: str
    agreement_id: UUID
    sent: int
    behind: int


class EndpointOverview(BaseModel):
    """Where a feed is delivered as webhooks; `behind` counts entries, `reason` is of the last failure."""

    endpoint_id: UUID
    agreement_id: UUID
    state: str
    behind: int
    since: datetime | None
    reason: str


class EndingOverview(BaseModel):
    """A feed that has ended and tells its tombstones alone, until its partner has acknowledged them."""

    agreement_id: UUID
    partner_name: str | None
    acknowledged: int


class Overview(BaseModel):
    """`relay`, that of the topic that lags most, `eraser` and `feeds` are positions; None where the part never ran."""

    position: int
    services: list[ServiceOverview]
    relays: dict[str, int] = {}  # positions, by topic
    relay: int | None
    relay_behind: int | None
    eraser: int | None
    feeds: int | None = None
    partner_topics: list[PartnerTopicOverview] = []
    endpoints: list[EndpointOverview] = []
    endings: list[EndingOverview] = []
    refused_events: int = 0  # of partners, that are held
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
        partner_topics=[_tell_topic(topic) for topic in installation.partner_topics.list()],
        endpoints=[_tell_endpoint(one) for one in installation.webhooks.standings().values()],
        endings=_look_at_endings(installation),
        refused_events=installation.quarantine.count_held(),
        checkpoint_size=head.frontier.size,
        checkpoint_at=installation.signed_at,
        uncovered=max(0, position - head.frontier.size),
    )


def _tell_endpoint(one: Delivered) -> EndpointOverview:
    return EndpointOverview(
        endpoint_id=one.endpoint_id, agreement_id=one.feed, state=one.state, behind=one.behind, since=one.since,
        reason=one.reason,
    )  # fmt: skip


def _tell_topic(topic: OpenTopic) -> PartnerTopicOverview:
    name, feed, _ = topic.binding
    return PartnerTopicOverview(
        name=partner_topic(name).name, agreement_id=feed, sent=topic.sent, behind=max(0, topic.head - topic.sent)
    )


def _look_at_endings(installation: Installation) -> list[EndingOverview]:
    with closing(installation.connect("partners")) as db:
        if db.execute("select to_regclass('agreements')").fetchone() == (None,):
            return []
        return [EndingOverview.model_validate(told) for (told,) in db.execute(ENDINGS).fetchall()]


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
