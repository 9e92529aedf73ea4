"""The Faust application: how it reads and writes, with all of it off that we do not use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import faust

from adapters.faust.credentials import credentials_of

COMMIT_S = 1.0
# a worker that was killed is put out of its group by the next one, which does not wait for this
SESSION_S, HEARTBEAT_S, REQUEST_S = 10.0, 3.0, 15.0


class Tableless(faust.App):
    """It keeps no files, and makes no directories for them where it happens to be started."""

    def _create_directories(self) -> None:
        pass


def make_app(servers: str, group: str, security: Mapping[str, Any]) -> faust.App:
    """At least once, in the running loop; no web server, no tables, and no topics of its own."""
    return Tableless(
        group,
        broker=[f"kafka://{server}" for server in servers.split(",")],
        broker_credentials=credentials_of(security),
        loop=asyncio.get_running_loop(),
        processing_guarantee="at_least_once",
        web_enabled=False,
        store="memory://",
        autodiscover=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=COMMIT_S,
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_request_timeout=REQUEST_S,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        producer_acks=-1,
        worker_redirect_stdouts=False,
    )


def raw_topic(app: faust.App, *names: str) -> faust.TopicT:
    """Keys and values as they are."""
    return app.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


def assigned(app: faust.App) -> Sequence[tuple[str, int]]:
    return [(place.topic, place.partition) for place in app.consumer.assignment()]
