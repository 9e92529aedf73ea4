"""Webhooks over an installation: the worker, and what it works with."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any
from uuid import UUID

import uvloop

from adapters.http.feed_news import FeedNews
from adapters.http.workers import Workers
from adapters.postgres.progress import LeaderSession
from adapters.postgres.webhook_desk import PostgresWebhookDesk
from adapters.webhooks.line import HttpLine
from adapters.webhooks.network import GuardedNetwork
from deploy.settings import Settings
from deploy.wiring import Installation, now
from domain.endpoint.commands import DisableEndpoint
from domain.endpoint.decider import Endpoint
from domain.endpoint.facts import EndpointId
from domain.errors import RelatoError, RemovedError, RepeatedError
from domain.event import Origin
from domain.execute import Context
from streams.feeds.delivery import FeedPage
from streams.webhooks.desk import Tools
from streams.webhooks.endpoints import find_endpoints
from streams.webhooks.schedule import ATTEMPT_S
from streams.webhooks.worker import WebhookWorker

THREADS, MOST_WAITING = 16, 100_000  # of calls that block; endpoints wait for each other there alone
NAME, ROUTE = "webhooks", "webhook"
REASON_CHARACTERS = 200


class TrustError(RelatoError):
    """RELATO_WEBHOOK_CA_FILE has no certificates that can be read."""


def worker_of(installation: Installation, *, attempt_s: float = ATTEMPT_S) -> WebhookWorker:
    """What is opened here is closed with the installation."""
    settings, dsn = installation.settings, installation.databases.ledger
    threads = installation.keep(Workers(THREADS, waiting=MOST_WAITING))
    network, trust = installation.keep(GuardedNetwork(installation.reach)), trust_of(settings)
    tools = Tools(
        read=partial(_read, installation, cache(partial(_opening, installation))),
        sign=installation.webhook_signer.headers,
        disable=partial(_disable, installation),
        find=partial(find_endpoints, installation.ledger),
        open_line=partial(HttpLine, installation.reach, network, trust, attempt_s=attempt_s),
        open_news=lambda: FeedNews(installation.feeds.heads, threads, partial(_listen, dsn)),
        threads=threads,
        clock=now,
        draw=random.random,
        source=f"/relato/{settings.installation}",
    )
    return WebhookWorker(PostgresWebhookDesk(dsn), tools, uvloop.run)


def trust_of(settings: Settings) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    if settings.webhook_ca_file:
        try:
            trust.load_verify_locations(settings.webhook_ca_file)
        except (OSError, ssl.SSLError) as error:
            raise TrustError(file=settings.webhook_ca_file) from error
    return trust


Opening = Callable[[Sequence[Any]], Sequence[Any]]


def _read(
    installation: Installation, opening_of: Callable[[UUID], Opening], feed: UUID, after: int, limit: int
) -> FeedPage:
    return installation.deliveries.read(feed, opening_of(feed), after=after, limit=limit)


def _opening(installation: Installation, feed: UUID) -> Opening:
    """Noted as the partner's reading, whose an agreement is for ever."""
    partner_id = installation.deliveries.agreement(feed).partner_id
    assert partner_id is not None
    return installation.disclosure_to(partner_id, ROUTE).open_within


def _disable(installation: Installation, endpoint_id: UUID, endpoint: Endpoint, reason: str) -> None:
    """Once for each time that it was enabled."""
    command_id = installation.vault.derive_id(NAME, f"{endpoint_id} {endpoint.begun}")
    command = DisableEndpoint(endpoint_id=EndpointId(endpoint_id), reason=reason[:REASON_CHARACTERS])
    with suppress(RepeatedError, RemovedError):  # given up before we were killed, or taken away by somebody meanwhile
        installation.executor.execute(command, Context(command_id, NAME, Origin.REACTOR))


def _listen(dsn: str) -> LeaderSession:
    session = LeaderSession(dsn, NAME)
    session.listen("feeds")
    return session
