"""What a partner may do in Kafka: a user of its own, that reads its topic, writes to its inbound one, and no more."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.errors import NoError, SecurityDisabledError, for_code
from kafka.protocol.admin import AlterClientQuotasRequest

from adapters.kafka.admin import ask_kafka, delete_topic
from adapters.kafka.cluster import Cluster
from adapters.kafka.topic_errors import KafkaAwayError, NoAuthoriserError, NotAuthorisedError, TopicRefusedError
from streams.topics import inbound_topic, partner_topic

MECHANISM, MECHANISM_NAME = ScramMechanism.SCRAM_SHA_512, "SCRAM-SHA-512"
EVERYTHING = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
SETTLE_S = 10.0
ITERATIONS = 8192
ANYWHERE = "*"
ALLOW = ACLPermissionType.ALLOW


class Limits(NamedTuple):
    """Of one partner; `request_percentage` of one thread of a broker."""

    consumer_bytes_per_s: int = 4 * 1024 * 1024
    producer_bytes_per_s: int = 1024 * 1024
    request_percentage: int = 25

    def quotas(self) -> Mapping[str, float]:
        return {
            "consumer_byte_rate": self.consumer_bytes_per_s,
            "producer_byte_rate": self.producer_bytes_per_s,
            "request_percentage": self.request_percentage,
        }


def user_of(name: str) -> str:
    """Never an administrator's, whatever name a partner has."""
    return f"partner-{name}"


def group_prefix_of(name: str) -> str:
    """What the names of the partner's consumer groups begin with; the dot keeps out a longer name's."""
    return f"{user_of(name)}."


def client_settings(name: str) -> Mapping[str, str]:
    """Of the partner's clients, as librdkafka and Java name them; the address and the password apart."""
    return {
        "sasl.mechanism": MECHANISM_NAME,
        "sasl.username": user_of(name),
        "group.id": f"{group_prefix_of(name)}feed",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": "false",
    }


def credentials(name: str, password: str) -> Mapping[str, str]:
    """As kafka-python takes them."""
    return {"sasl_mechanism": MECHANISM_NAME, "sasl_plain_username": user_of(name), "sasl_plain_password": password}


def seen_by(cluster: Cluster) -> set[str]:
    """The topics that Kafka shows to the one who asks; a new user may be known a moment later.

    Raises KafkaAwayError, NotAuthorisedError.
    """
    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            return set(ask_kafka(cluster, "topics", "DESCRIBE", lambda admin: admin.list_topics()))
        except (KafkaAwayError, NotAuthorisedError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def require_authoriser(cluster: Cluster) -> None:
    """Raises NoAuthoriserError, KafkaAwayError, NotAuthorisedError."""
    everybody = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, EVERYTHING)

    def look(admin: KafkaAdminClient) -> None:
        try:
            admin.describe_acls(everybody)
        except SecurityDisabledError as error:
            raise NoAuthoriserError from error

    ask_kafka(cluster, "ACLs", "DESCRIBE", look)


def delete_topics(cluster: Cluster, name: str) -> None:
    """With all that is in them, where they are there."""
    for spec in (partner_topic(name), inbound_topic(name)):
        delete_topic(cluster, spec)


def has_user(cluster: Cluster, name: str) -> bool:
    user = user_of(name)
    found = ask_kafka(cluster, user, "DESCRIBE", lambda admin: admin.describe_user_scram_credentials([user]))
    return bool(found[user]["credential_infos"])


def set_password(cluster: Cluster, name: str, password: str) -> None:
    """Makes the user, or gives it another password; who is connected stays so."""
    given = UserScramCredentialUpsertion(user_of(name), MECHANISM, password, iterations=ITERATIONS)
    _alter_user(cluster, given, name)


def permit(cluster: Cluster, name: str, limits: Limits) -> None:
    """Exactly this: what else the user was permitted is taken away. May be done again."""
    user, wanted = user_of(name), _acls(name)

    def settle(admin: KafkaAdminClient) -> None:
        has, _ = admin.describe_acls(_all_of(user))
        if surplus := [acl for acl in has if acl not in wanted]:
            _delete(admin, user, [_exactly(acl) for acl in surplus])
        if missing := [acl for acl in wanted if acl not in has]:
            for failed in admin.create_acls(missing)["failed"]:
                _require(user, failed)
        _set_quotas(admin, user, limits.quotas())

    ask_kafka(cluster, user, "ALTER", settle)


def withdraw(cluster: Cluster, name: str) -> None:
    """Takes everything from the partner's user, at once also where it is connected, and the user away.

    May be done again, and of a name that never was. Its topics stay. Raises KafkaAwayError, NotAuthorisedError.
    """
    user = user_of(name)

    def take(admin: KafkaAdminClient) -> None:
        _delete(admin, user, [_all_of(user)])
        _set_quotas(admin, user, dict.fromkeys(Limits().quotas()))

    ask_kafka(cluster, user, "ALTER", take)
    if has_user(cluster, name):
        _alter_user(cluster, UserScramCredentialDeletion(user, MECHANISM), name)


def _acls(name: str) -> Sequence[ACL]:
    """To write idempotently one needs no more than to write."""
    principal = _principal(user_of(name))
    literal, prefixed = ACLResourcePatternType.LITERAL, ACLResourcePatternType.PREFIXED
    topic = ResourcePattern(ResourceType.TOPIC, partner_topic(name).name, literal)
    inbound = ResourcePattern(ResourceType.TOPIC, inbound_topic(name).name, literal)
    groups = ResourcePattern(ResourceType.GROUP, group_prefix_of(name), prefixed)
    permitted = [
        *((ACLOperation.READ, topic), (ACLOperation.DESCRIBE, topic)),
        *((ACLOperation.WRITE, inbound), (ACLOperation.DESCRIBE, inbound)),
        (ACLOperation.READ, groups),
    ]
    return [ACL(principal, ANYWHERE, operation, ALLOW, pattern) for operation, pattern in permitted]


def _principal(user: str) -> str:
    return f"User:{user}"


def _all_of(user: str) -> ACLFilter:
    return ACLFilter(_principal(user), None, ACLOperation.ANY, ACLPermissionType.ANY, EVERYTHING)


def _exactly(acl: ACL) -> ACLFilter:
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)


def _delete(admin: KafkaAdminClient, user: str, filters: Sequence[ACLFilter]) -> None:
    for _, _, error in admin.delete_acls(filters):
        _require(user, error)


def _alter_user(cluster: Cluster, alteration: Any, name: str) -> None:
    user = user_of(name)
    done = ask_kafka(cluster, user, "ALTER", lambda admin: admin.alter_user_scram_credentials([alteration]))
    if reason := done[user]:
        raise TopicRefusedError(user=user, reason=reason)


def _set_quotas(admin: KafkaAdminClient, user: str, quotas: Mapping[str, float | None]) -> None:
    """None takes one away. kafka-python knows the request, but has no call for it."""
    entry = AlterClientQuotasRequest.EntryData
    wanted = entry(
        entity=[entry.EntityData(entity_type="user", entity_name=user)],
        ops=[entry.OpData(key=key, value=most or 0.0, remove=most is None) for key, most in quotas.items()],
    )
    request = AlterClientQuotasRequest(entries=[wanted], validate_only=False)
    manager = admin._manager  # noqa: SLF001 there is no public way
    for answer in manager.run(manager.send, request).entries:
        _require(user, for_code(answer.error_code))


def _require(user: str, error: type[Exception]) -> None:
    """Of what Kafka answers in place of raising it."""
    if error is not NoError:
        raise error(user)
