"""The ways by which a partner is told beside HTTP, as they are closed when its feed has ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from deploy.wiring import Installation
from domain.endpoint.commands import RemoveEndpoint
from domain.endpoint.facts import EndpointId
from domain.errors import RemovedError, UnavailableError
from domain.event import Origin
from domain.execute import Context
from streams.feeds.closing import NAME, Door

REASON = "the feed has ended"


class TopicUnreachedError(UnavailableError):
    """The partner has a topic in Kafka, and RELATO_KAFKA does not say where that is."""


class Endpoints:
    """Where webhooks go: removed. One that its worker has not seen yet learns that the feed is closed."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def close(self, feed: UUID, partner_id: UUID) -> None:  # noqa: ARG002 a Door's
        derive_id = self._installation.vault.derive_id
        for endpoint_id, standing in self._installation.webhooks.standings().items():
            if standing.feed == feed:
                command = RemoveEndpoint(endpoint_id=EndpointId(endpoint_id), reason=REASON)
                context = Context(derive_id(NAME, f"endpoint {endpoint_id}"), NAME, Origin.REACTOR)
                with suppress(RemovedError):
                    self._installation.executor.execute(command, context)


class Topics:
    """Kafka: user and permissions are withdrawn; what is in the topic goes with time, and is under tombstones."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def close(self, feed: UUID, partner_id: UUID) -> None:  # noqa: ARG002 a Door's
        for binding in self._installation.partner_topics.bindings():
            if binding.feed == feed:
                self._close(binding.name)

    def _close(self, name: str) -> None:
        if self._installation.settings.kafka is None:
            raise TopicUnreachedError(topic=name)
        from deploy import partner_topics  # noqa: PLC0415 loads Kafka's client

        partner_topics.remove(self._installation, name, with_topics=False)


def doors_of(installation: Installation) -> Sequence[Door]:
    return Endpoints(installation), Topics(installation)
