"""How far every part has come, as gauges for `/metrics`: what `relato status` reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from adapters.cli.overview import Overview, ServiceOverview, look
from adapters.http.metrics import Reading
from deploy.opening import LateOpening
from deploy.wiring import Installation, now
from projections.catalogue import services


def read(installation: Installation) -> Sequence[Reading]:
    return list(readings_of(look(services(installation.settings.zone, LateOpening()), installation), now()))


def readings_of(overview: Overview, now: datetime) -> Iterator[Reading]:
    """What never ran has no reading."""
    yield Reading("relato_ledger_position", "The newest fact's.", overview.position)
    yield Reading("relato_uncovered_facts", "Facts that no checkpoint covers yet.", overview.uncovered)
    if overview.checkpoint_at:
        age = (now - overview.checkpoint_at).total_seconds()
        yield Reading("relato_checkpoint_age_seconds", "Since the newest checkpoint was signed.", age)
    if overview.relay is not None and overview.relay_behind is not None:
        yield Reading("relato_relay_position", "Of the relay that lags most.", overview.relay)
        yield Reading("relato_relay_lag_facts", "Facts that are not in Kafka yet.", overview.relay_behind)
    if overview.eraser is not None:
        yield Reading("relato_eraser_position", "Up to here every erasure is carried out.", overview.eraser)
    for topic in overview.partner_topics:
        yield Reading("relato_partner_topic_lag_entries", "Of its feed.", topic.behind, ("topic", topic.name))
    if overview.refused_events:
        yield Reading("relato_refused_events", "Of partners, that are held.", overview.refused_events)
    for endpoint in overview.endpoints:
        label = ("endpoint", str(endpoint.endpoint_id))
        yield Reading("relato_webhook_lag_entries", "That the endpoint has not taken yet.", endpoint.behind, label)
        yield Reading("relato_webhook_troubled", "1 where it isn't active.", endpoint.state != "active", label)
    for service in overview.services:
        yield from _of_service(service, now)


def _of_service(service: ServiceOverview, now: datetime) -> Iterator[Reading]:
    label = ("service", service.service)
    yield Reading("relato_workers", "That fold the service's read models.", service.workers, label)
    yield Reading("relato_lag_facts", "Of the read model that lags most.", service.behind, label)
    yield Reading("relato_parked_facts", "Up to 1,000.", service.parked, label)
    yield Reading("relato_stopped_read_models", "Until their folds are mended.", len(service.stopped), label)
    if service.oldest_parked:
        age = (now - service.oldest_parked).total_seconds()
        yield Reading("relato_oldest_parked_seconds", "Since a fact was parked.", age, label)
