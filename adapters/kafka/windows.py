"""What a worker of windows told before it was started: alerts, and the rows on the screens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from adapters.kafka.cluster import Cluster
from adapters.kafka.following import Following
from adapters.kafka.live_topics import Sight
from streams.topics import ALERTS, SCREENS

POLL_S = 0.5


class ToldBefore(NamedTuple):
    """`alerts` with the time each arose; `shown` the rows by key."""

    alerts: Mapping[UUID, datetime]
    shown: Mapping[str, bytes]


def read_told(cluster: Cluster, since: datetime) -> ToldBefore:
    """All rows, and the alerts that were sent since then. Raises what `kafka_errors` does."""
    sight = Sight()
    with Following(cluster, (ALERTS, SCREENS), {ALERTS.name: since}) as following:
        while not following.has_caught_up:
            for found in following.poll(POLL_S):
                sight.take(found)
    return ToldBefore({one.told.id: one.told.at for one in sight.alerts}, sight.rows)
