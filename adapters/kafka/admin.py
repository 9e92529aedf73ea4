"""Topics made, checked, and made anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import BrokerResponseError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from adapters.kafka.cluster import DEADLINE_S, Cluster, within
from adapters.kafka.greeting import require_welcome
from adapters.kafka.topic_errors import (
    KafkaAwayError,
    NotAuthorisedError,
    TopicRefusedError,
    UnknownTopicError,
    WrongPartitionsError,
    kafka_errors,
    tell,
)

T = TypeVar("T")

NO_ERROR, UNKNOWN_TOPIC, NOT_AUTHORISED = 0, 3, 29
SETTLE_S = 15.0


class Spec(Protocol):
    """What a topic must be."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def config(self) -> Mapping[str, str]: ...


def check_topic(cluster: Cluster, topic: str, partitions: int, *operations: str) -> None:
    """That it exists, is split as it must be, and that we may do this (READ, WRITE) with it.

    Kafka itself answers a reader who isn't allowed with nothing, or with silence.
    Raises UnknownTopicError, WrongPartitionsError, NotAuthorisedError, KafkaAwayError.
    """
    [found] = ask_kafka(cluster, topic, "DESCRIBE", lambda admin: admin.describe_topics([topic]))
    if found["error_code"] == NOT_AUTHORISED:
        raise NotAuthorisedError(topic=topic, operation="DESCRIBE")
    if found["error_code"] == UNKNOWN_TOPIC:
        raise UnknownTopicError(topic=topic, servers=cluster.servers)
    if found["error_code"] != NO_ERROR:
        raise KafkaAwayError(topic=topic, code=found["error_code"])
    if len(found["partitions"]) != partitions:
        raise WrongPartitionsError(topic=topic, partitions=len(found["partitions"]), wanted=partitions)
    for operation in operations:
        if operation not in found["authorized_operations"]:
            raise NotAuthorisedError(topic=topic, operation=operation)


def ensure_topics(cluster: Cluster, specs: Sequence[Spec], *, replication: int = -1) -> None:
    """Creates those that are missing and gives the others our settings; `replication` -1 is the brokers' default."""
    for spec in specs:
        ask_kafka(cluster, spec.name, "CREATE", partial(_ensure, spec=spec, replication=replication))
        _await_ready(cluster, spec)


def recreate_topic(cluster: Cluster, spec: Spec, *, replication: int = -1) -> None:
    """Deletes the topic with all its records, where it exists, and creates it empty."""
    delete_topic(cluster, spec)
    ensure_topics(cluster, [spec], replication=replication)


def delete_topic(cluster: Cluster, spec: Spec) -> None:
    """With all its records, where it exists."""
    ask_kafka(cluster, spec.name, "DELETE", lambda admin: _delete(admin, spec))


def ask_kafka(cluster: Cluster, topic: str, deed: str, question: Callable[[KafkaAdminClient], T]) -> T:
    """The admin client's answer, within a deadline; errors speak of the deed on the topic, or of how we come in.

    Raises KafkaAwayError, NotAuthorisedError, UntrustedServerError, OtherHostError.
    """
    cluster.probe()

    def ask() -> T:
        with kafka_errors(topic, deed), KafkaAdminClient(**cluster.settings()) as admin:
            return question(admin)

    try:
        return within(DEADLINE_S, ask)
    except KafkaAwayError:
        within(DEADLINE_S, partial(require_welcome, cluster))
        raise


def _ensure(admin: KafkaAdminClient, spec: Spec, replication: int) -> None:
    wanted = {"num_partitions": spec.partitions, "replication_factor": replication, "configs": dict(spec.config)}
    try:
        admin.create_topics({spec.name: wanted})
    except TopicAlreadyExistsError:
        _configure(admin, spec)
    except BrokerResponseError as error:
        _refuse(spec, error)


def _configure(admin: KafkaAdminClient, spec: Spec) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, spec.name)
    has: Mapping[str, Any] = admin.describe_configs([resource], config_filter="all")["topic"][spec.name]
    wrong = {key: value for key, value in spec.config.items() if has[key]["value"] != value}
    if wrong:
        done = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, spec.name, wrong)])["topic"][spec.name]
        if done != "OK":
            raise TopicRefusedError(topic=spec.name, reason=done)


def _delete(admin: KafkaAdminClient, spec: Spec) -> None:
    try:
        admin.delete_topics([spec.name])
    except UnknownTopicOrPartitionError:
        return
    except BrokerResponseError as error:
        _refuse(spec, error)


def _refuse(spec: Spec, error: BrokerResponseError) -> None:
    if error.errno in {NOT_AUTHORISED, 31} or error.retriable:
        raise error
    raise TopicRefusedError(topic=spec.name, reason=tell(error)) from error


def _await_ready(cluster: Cluster, spec: Spec) -> None:
    """A new topic is known to the brokers a moment later."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            return check_topic(cluster, spec.name, spec.partitions)
        except (UnknownTopicError, KafkaAwayError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
