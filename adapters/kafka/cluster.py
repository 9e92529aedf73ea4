"""How a Kafka cluster is reached: its servers, who we are to them, and how long anything may take."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, TypeVar

from adapters.kafka.topic_errors import KafkaAwayError

T = TypeVar("T")

PROBE_S = 3.0
REQUEST_S = 10.0
DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """`servers` as host:port, comma-separated; `security` as kafka-python's settings (security_protocol, sasl_…)."""

    servers: str
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def settings(self) -> dict[str, Any]:
        """Common to consumers, producers and administrators."""
        return {
            "bootstrap_servers": self.servers.split(","),
            "bootstrap_timeout_ms": int(REQUEST_S * 1000),
            "request_timeout_ms": int(REQUEST_S * 1000),
            # Half a minute, the default, would be the time that a restarted broker stays unused.
            "reconnect_backoff_max_ms": 1000,
            **self.security,
        }

    def probe(self) -> None:
        """Raises KafkaAwayError when no server takes connections; a client would try for long, and log each time."""
        for server in self.servers.split(","):
            host, _, port = server.strip().rpartition(":")
            with contextlib.suppress(OSError, ValueError), socket.create_connection((host, int(port)), PROBE_S):
                return
        raise KafkaAwayError(servers=self.servers)


def within(deadline_s: float, call: Callable[[], T]) -> T:
    """What the call answers; KafkaAwayError when it takes longer, for kafka-python sometimes waits without a limit."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 it is raised in the thread that asked
            answer.set_exception(error)

    Thread(target=run, name="kafka-call", daemon=True).start()
    try:
        return answer.result(deadline_s)
    except FutureTimeoutError as error:
        if answer.done():
            raise
        raise KafkaAwayError(waited_s=deadline_s) from error
