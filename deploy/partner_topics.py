"""Partners' topics: opened for a user of the partner's own, relayed from its feed, closed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from uuid import UUID

from adapters.cli.installation import OpenedTopic
from adapters.kafka import partners
from adapters.kafka.admin import ensure_topics, recreate_topic
from adapters.kafka.cluster import Cluster
from adapters.kafka.forgetting import ForgettingTopic
from adapters.kafka.partners import Limits
from adapters.kafka.topic_errors import CertificateError, KafkaAwayError, NotAuthorisedError
from adapters.postgres.feed_lane import PROGRESS, FeedLane
from adapters.postgres.led_lane import LedLane
from deploy.kafka_parts import cluster_of, partners_address
from deploy.settings import Settings
from deploy.wiring import Installation
from domain.errors import ConflictError, InvalidError, RelatoError, UnavailableError, UnknownError
from streams.feeds.records import identify_told, tag_of
from streams.feeds.topics import NAME, Binding, Forgetting, PartnerTopics
from streams.leading import POLL_S
from streams.relay import Relay
from streams.topics import PARTNER, inbound_topic, partner_topic

LEAD_S = 30.0
PASSWORD_BYTES = 24


class TopicNameError(InvalidError):
    """A topic's name has small letters, digits and hyphens, 40 at most, and begins with a letter; like olaria."""


class TopicTakenError(ConflictError):
    """The topic of this name carries another agreement's feed; remove it first, or take another name."""


class TopicHeldError(UnavailableError):
    """Another process works at the topic; try again."""


class SeesOthersError(RelatoError):
    """Kafka shows the partner more than its own topics, so all was taken back; look for ACLs that are everybody's."""


def relays(installation: Installation) -> PartnerTopics:
    return PartnerTopics(installation.partner_topics.bindings, partial(relay_of, installation))


def relay_of(installation: Installation, binding: Binding) -> Relay:
    spec, tracing = partner_topic(binding.name), installation.tracing
    watch = partial(tracing.watch_sent, spec.name) if tracing else None
    lane = lane_of(installation, binding)
    cluster = cluster_of(installation.settings)
    topic = ForgettingTopic(cluster, spec, identify=identify_told, is_dense=False, watch=watch)
    return Relay(lane, topic, beside=Forgetting(lane, topic))


def lane_of(installation: Installation, binding: Binding) -> FeedLane:
    topic, deliveries = partner_topic(binding.name).name, installation.deliveries
    opening = installation.disclosure_to(binding.partner, f"kafka {topic}").open_within
    return FeedLane(
        installation.databases.ledger,
        topic=topic,
        binding=binding,
        read_feed=lambda feed, after, limit: deliveries.read(feed, opening, after=after, limit=limit),
        tag=tag_of(installation.vault.derive_id, binding.feed),
    )


def named(installation: Installation, topic: str) -> Binding | None:
    """What an open topic carries."""
    return next((one for one in installation.partner_topics.bindings() if partner_topic(one.name).name == topic), None)


def add(installation: Installation, name: str, agreement_id: UUID, limits: Limits, *, rotate: bool) -> OpenedTopic:
    """May be done again, wherever it was interrupted; a password is made where there is none, or with `rotate`.

    Raises TopicNameError, TopicTakenError, UnknownError, ConflictError, NoAuthoriserError, SeesOthersError.
    """
    if not NAME.fullmatch(name):
        raise TopicNameError(name=name)
    cluster, binding = cluster_of(installation.settings), _bind(installation, name, agreement_id)
    partners.require_authoriser(cluster)
    is_new = _open(installation, cluster, binding)
    partners.permit(cluster, name, limits)
    password = None
    if is_new or rotate or not partners.has_user(cluster, name):
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        partners.set_password(cluster, name, password)
    return OpenedTopic(
        partner_topic(name).name,
        inbound_topic(name).name,
        {**partners_address(installation.settings), **partners.client_settings(name)},
        password,
        None if password is None else _check(installation.settings, name, password),
    )


def remove(installation: Installation, name: str, *, with_topics: bool) -> None:
    """May be done again. Raises UnknownError when there never was one."""
    cluster = cluster_of(installation.settings)
    if installation.partner_topics.last(name) is None:
        raise UnknownError(partner_topic=name)
    partners.withdraw(cluster, name)
    installation.partner_topics.close_topic(name, installation.settings.principal)
    if with_topics:
        with _led(installation, name):
            partners.delete_topics(cluster, name)


def republish(installation: Installation, topic: str) -> bool:
    """Empties an open partner's topic, to be filled again; false when the name is no such topic's."""
    if not topic.startswith(PARTNER) or (binding := named(installation, topic)) is None:
        return False
    with closing(lane_of(installation, binding)) as lane:
        recreate_topic(cluster_of(installation.settings), partner_topic(binding.name))
        lane.reset()
    return True


def _bind(installation: Installation, name: str, agreement_id: UUID) -> Binding:
    feed = installation.deliveries.find(agreement_id)
    if feed.agreement.revoked or feed.has_ended:
        raise ConflictError("the agreement has ended; its feed goes nowhere")
    assert feed.agreement.partner_id is not None
    binding = Binding(name, agreement_id, feed.agreement.partner_id)
    last = installation.partner_topics.last(name)
    if last and last.is_open and last.binding != binding:
        raise TopicTakenError(name=name, agreement=last.binding.feed)
    return binding


def _open(installation: Installation, cluster: Cluster, binding: Binding) -> bool:
    """Whether it was not open; then nothing is in the topics that was meant for another feed, or comes from another."""
    topics, name = installation.partner_topics, binding.name
    outbound, inbound = partner_topic(name), inbound_topic(name)
    last = topics.last(name)
    if last and last.is_open:
        ensure_topics(cluster, [outbound, inbound])
        return False
    is_same_feed, is_same_partner = (last is not None and getattr(last.binding, part) == getattr(binding, part)
                                     for part in ("feed", "partner"))  # fmt: skip
    partners.withdraw(cluster, name)
    with _led(installation, name) as lane:
        for spec, is_kept in ((outbound, is_same_feed), (inbound, is_same_partner)):
            if is_kept:
                ensure_topics(cluster, [spec])
            else:
                recreate_topic(cluster, spec)
        if not is_same_feed:
            lane.reset()
        if not topics.open(binding, installation.settings.principal):
            raise TopicTakenError(name=name)
    return True


@contextmanager
def _led(installation: Installation, name: str) -> Iterator[LedLane]:
    """No relay writes to the topic meanwhile; one that carried a feed that was taken away has let go of it."""
    deadline = time.monotonic() + LEAD_S
    with closing(LedLane(installation.databases.ledger, PROGRESS + partner_topic(name).name)) as lane:
        while not lane.lead():
            if time.monotonic() > deadline:
                raise TopicHeldError(topic=partner_topic(name).name)
            time.sleep(POLL_S)
        yield lane


def _check(settings: Settings, name: str, password: str) -> bool:
    """Comes in as the partner, and sees its own topics alone; false when its way in cannot be reached from here."""
    address = partners_address(settings)
    security = {"security_protocol": address["security.protocol"], **partners.credentials(name, password)}
    if settings.kafka_ca_file:
        security["ssl_cafile"] = str(settings.kafka_ca_file)
    as_partner = Cluster(address["bootstrap.servers"], security)
    try:
        seen = partners.seen_by(as_partner)
    except (CertificateError, KafkaAwayError, NotAuthorisedError):
        return False
    if surplus := seen - {partner_topic(name).name, inbound_topic(name).name}:
        partners.withdraw(cluster_of(settings), name)
        raise SeesOthersError(topics=", ".join(sorted(surplus)))
    return True
