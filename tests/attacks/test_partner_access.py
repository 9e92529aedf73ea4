"""A partner's credentials open its own two topics and nothing else, tried one by one with the clients partners have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from adapters.cli.installation import OpenedTopic
from adapters.kafka import partners
from adapters.kafka.admin import ask_kafka, check_topic, ensure_topics
from adapters.kafka.broker import KafkaBroker
from adapters.kafka.cluster import Cluster
from adapters.kafka.jars import resolve_jars
from adapters.kafka.topic_errors import NoAuthoriserError, NotAuthorisedError, TopicRefusedError
from deploy.partner_topics import SeesOthersError
from deploy.settings import Settings
from streams.topics import EVENTS, SHARES, inbound_topic, partner_topic
from tests.backend import Backend, new_master
from tests.conftest import create_pair
from tests.feeding import place, product
from tests.kafka_fixtures import JARS, POM
from tests.partnering import NUMBERS, Partnership, as_user, librdkafka

pytestmark = pytest.mark.kafka
CUSTOMERS = {"type": "crm.customer.registered.v1", "fields": ["name", "country"]}
ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines"]}
WAIT_S = 15.0
SILENCE = -1
FAST = {"socket.timeout.ms": 10_000, "log_level": 0}
NOT_OURS = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART}


class World(NamedTuple):
    """Two partners with a topic each."""

    shop: Partnership
    agreement: Any
    olaria: OpenedTopic
    luz: OpenedTopic


@pytest.fixture(scope="module")
def world(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    resolve_jars(POM, JARS)
    home, master = tmp_path_factory.mktemp("installation"), new_master()
    databases = create_pair(postgres, "partner_access", "partner_access_keys")
    settings = Settings(home=home, kafka="embedded", master_key=master)
    with (
        KafkaBroker(home / "kafka", JARS) as broker,
        Backend.open(databases.app, databases.keys_app, master) as backend,
    ):
        ensure_topics(Cluster(broker.bootstrap), [EVENTS, *SHARES.values()])
        shop = Partnership(settings, databases, backend)
        agreement = shop.agree(CUSTOMERS, ORDERS)
        ana = backend.customer(name="Ana Souza", country="PT")
        for _ in range(5):
            place(backend, ana, product(backend))
        shop.enter()
        olaria, luz = shop.add("olaria", agreement), shop.add("luz", agreement)
        with shop.relaying():
            shop.await_sent("olaria", 6)
            shop.await_sent("luz", 6)
        yield World(shop, agreement, olaria, luz)
        shop.close()


def consume(settings: dict[str, Any], topic: str, count: int) -> list[Any]:
    """The messages, or KafkaException."""
    consumer = Consumer({**settings, **FAST})
    try:
        consumer.subscribe([topic])
        found: list[Any] = []
        for _ in range(60):
            if (message := consumer.poll(0.5)) is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            found.append(message)
            if len(found) >= count:
                consumer.commit(asynchronous=False)
                return found
        return found
    finally:
        consumer.close()


def read_at(settings: dict[str, Any], topic: str) -> int:
    """Reads without a group; the error's code, 0 when something came, SILENCE."""
    consumer = Consumer({**settings, **FAST, "group.id": "partner-olaria.x", "topic.metadata.propagation.max.ms": 500})
    try:
        consumer.assign([Place(topic, 0, 0)])
        for _ in range(6):
            if (message := consumer.poll(0.5)) is not None:
                return int(message.error().code()) if message.error() else 0
        return SILENCE
    finally:
        consumer.close()


def describe(settings: dict[str, Any], topic: str) -> int:
    """What Kafka says of it: an error's code, or 0."""
    consumer = Consumer({**settings, **FAST})
    try:
        error = consumer.list_topics(topic, WAIT_S).topics[topic].error
        return int(error.code()) if error else 0
    finally:
        consumer.close()


def comes_in(opened: OpenedTopic, **more: object) -> bool:
    """False when user and password are refused."""
    refused: list[int] = []
    client = AdminClient({**connection(opened), **FAST, **more, "error_cb": lambda error: refused.append(error.code())})
    try:
        client.list_topics(timeout=5)
    except KafkaException:
        client.poll(0)
        assert KafkaError._AUTHENTICATION in refused
        return False
    return True


def connection(opened: OpenedTopic) -> dict[str, Any]:
    given = librdkafka(opened)
    return {name: given[name] for name in given if name.startswith(("bootstrap", "sasl", "security"))}


def produce(settings: dict[str, Any], topic: str, **more: object) -> int:
    """The error's code, 0 when it was taken."""
    codes: list[int] = []
    producer = Producer({**settings, **FAST, "message.timeout.ms": 10_000, **more})
    producer.produce(topic, b"{}", on_delivery=lambda error, _: codes.append(error.code() if error else 0))
    producer.flush(WAIT_S)
    return codes[0] if codes else SILENCE


def test_librdkafka_and_the_cloudevents_library_read_the_feed_as_it_is_pulled(world: World) -> None:
    pulled = world.shop.pull(world.agreement)
    messages = consume(librdkafka(world.olaria), world.olaria.topic, 6)
    for message, told in zip(messages, pulled, strict=True):
        event = from_binary_event(KafkaMessage(dict(message.headers()), message.key(), message.value()))
        attributes = {name: value for name, value in event.get_attributes().items() if name != "partitionkey"}
        assert {name: int(attributes.pop(name)) for name in NUMBERS} == {name: told[name] for name in NUMBERS}
        assert attributes.pop("time").isoformat() == told["time"].replace("Z", "+00:00")
        assert attributes == {name: told[name] for name in told.keys() - {"data", "time", *NUMBERS}}
        assert event.get_data() == told["data"]
        assert message.key().decode() == told["subject"]


def test_aiokafka_reads_it_too(world: World) -> None:
    settings = world.olaria.settings

    async def read() -> list[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings["bootstrap.servers"],
            security_protocol=settings["security.protocol"],
            sasl_mechanism=settings["sasl.mechanism"],
            sasl_plain_username=settings["sasl.username"],
            sasl_plain_password=world.olaria.password,
            group_id=None,
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            place_ = TopicPartition(world.olaria.topic, 0)
            consumer.assign([place_])
            await consumer.seek_to_beginning(place_)
            return [await asyncio.wait_for(consumer.getone(), WAIT_S) for _ in range(6)]
        finally:
            await consumer.stop()

    found = asyncio.run(read())
    assert [json.loads(one.value) for one in found] == [event["data"] for event in world.shop.pull(world.agreement)]


def test_it_sees_its_own_two_topics_and_no_others(world: World) -> None:
    assert partners.seen_by(as_user(world.olaria, "olaria")) == {world.olaria.topic, world.olaria.inbound}
    assert world.olaria.is_checked


@pytest.mark.parametrize(
    "topic",
    [EVENTS.name, *(share.name for share in SHARES.values()), partner_topic("luz").name, inbound_topic("luz").name,
     inbound_topic("olaria").name, "__consumer_offsets"],
)  # fmt: skip
def test_it_reads_no_other_topic(world: World, topic: str) -> None:
    assert read_at(librdkafka(world.olaria), topic) in {*NOT_OURS, SILENCE}
    if topic != inbound_topic("olaria").name:
        assert describe(librdkafka(world.olaria), topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize(
    "topic",
    [EVENTS.name, SHARES["sales"].name, partner_topic("olaria").name, partner_topic("luz").name,
     inbound_topic("luz").name, "crm.new.v1"],
)  # fmt: skip
def test_it_writes_to_no_other_topic_nor_to_the_one_that_it_reads(world: World, topic: str) -> None:
    assert produce(connection(world.olaria), topic) in {*NOT_OURS, KafkaError._UNKNOWN_TOPIC}


@pytest.mark.parametrize("more", [{}, {"enable.idempotence": True}])
def test_it_writes_to_its_inbound_topic(world: World, more: dict[str, object]) -> None:
    assert produce(connection(world.olaria), world.olaria.inbound, **more) == 0
    assert produce(connection(world.luz), world.olaria.inbound, **more) in NOT_OURS


@pytest.mark.parametrize("group", ["partner-luz.feed", "relato-windows-relato", "partner-olaria", "partner-olaria2.x"])
def test_it_joins_no_other_group(world: World, group: str) -> None:
    with pytest.raises(KafkaException) as refused:
        consume(librdkafka(world.olaria, **{"group.id": group}), world.olaria.topic, 1)
    assert refused.value.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED


def administer(world: World) -> AdminClient:
    """To be kept: what it was asked ends with it."""
    return AdminClient(connection(world.olaria))


def result_of(answer: Any) -> Any:
    [future] = answer.values() if isinstance(answer, dict) else [answer]
    return future.result(WAIT_S)


SHORTER = ConfigResource("topic", partner_topic("olaria").name)
SHORTER.add_incremental_config(ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET))
OFFSETS = [Place(partner_topic("olaria").name, 0, 1)]
DEEDS: dict[str, Callable[[AdminClient], Any]] = {
    "create a topic": lambda admin: admin.create_topics([NewTopic("crm.partner.olaria2.v1", 1, 1)]),
    "delete its topic": lambda admin: admin.delete_topics([partner_topic("olaria").name]),
    "delete records": lambda admin: admin.delete_records(OFFSETS),
    "alter its topic": lambda admin: admin.incremental_alter_configs([SHORTER]),
    "see its topic's settings": lambda admin: admin.describe_configs(
        [ConfigResource("topic", partner_topic("olaria").name)]
    ),
    "see the broker's settings": lambda admin: admin.describe_configs([ConfigResource("broker", "1")]),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_it_administers_nothing(world: World, deed: str) -> None:
    admin = administer(world)
    with pytest.raises(KafkaException) as refused:
        result_of(DEEDS[deed](admin))
    assert "AUTHORIZATION_FAILED" in refused.value.args[0].name()


def test_it_sees_no_users_nor_permissions_and_makes_none(world: World) -> None:
    cluster = as_user(world.olaria, "olaria")
    with pytest.raises(NotAuthorisedError):
        partners.require_authoriser(cluster)
    with pytest.raises(NotAuthorisedError):
        partners.permit(cluster, "olaria", partners.Limits())
    with pytest.raises(NotAuthorisedError):
        partners.has_user(cluster, "luz")
    with pytest.raises(TopicRefusedError):
        partners.set_password(cluster, "luz", "x")
    assert comes_in(world.luz)


def test_it_is_told_of_no_group_but_its_own(world: World) -> None:
    consume(librdkafka(world.luz), world.luz.topic, 1)
    admin = administer(world)
    listed = admin.list_consumer_groups().result(WAIT_S)
    assert {group.group_id for group in listed.valid} <= {"partner-olaria.feed", "partner-olaria.x"}
    groups = ["partner-luz.feed"]
    as_partner = as_user(world.olaria, "olaria")
    with pytest.raises(NotAuthorisedError):
        ask_kafka(as_partner, "group", "DESCRIBE", lambda admin: admin.describe_groups(groups))


@pytest.mark.parametrize(("user", "password"), [("olaria", "wrong"), ("luz", None), ("nobody", "x")])
def test_a_wrong_password_opens_nothing(world: World, user: str, password: str | None) -> None:
    given = {"sasl.username": f"partner-{user}", "sasl.password": password or world.olaria.password}
    assert not comes_in(world.olaria, **given)
    assert comes_in(world.olaria)


def test_a_second_time_changes_nothing_and_rotating_makes_the_old_password_useless(world: World) -> None:
    shop = world.shop
    first = shop.add("lua", world.agreement)
    assert shop.add("lua", world.agreement).password is None
    assert partners.seen_by(as_user(first, "lua")) == {first.topic, first.inbound}
    second = shop.add("lua", world.agreement, rotate=True)
    assert second.password not in (None, first.password)
    assert not comes_in(first)
    assert partners.seen_by(as_user(second, "lua")) == {first.topic, first.inbound}
    shop.remove("lua")


def test_a_partner_that_is_connected_reads_nothing_more_when_it_is_removed(world: World) -> None:
    shop, opened = world.shop, world.shop.add("sol", world.agreement)
    consumer = Consumer({**librdkafka(opened), **FAST})
    consumer.subscribe([opened.topic])
    with shop.relaying():
        shop.await_sent("sol", 6)
        assert consume_one(consumer) is None
        shop.remove("sol")
        shop.backend.customer(name="Rui Dias")
        shop.enter()
    codes = {error.code() for _ in range(20) if (error := consume_one(consumer))}
    consumer.close()
    assert codes & {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}
    assert not comes_in(opened)
    shop.remove("sol", with_topics=True)
    shop.remove("sol")
    assert partners.has_user(shop.cluster, "olaria")
    assert not partners.has_user(shop.cluster, "sol")
    check_topic(shop.cluster, world.olaria.topic, 1)


def consume_one(consumer: Consumer) -> Any:
    """The error of what came, None when it was a message, or nothing."""
    for _ in range(20):
        if (message := consumer.poll(0.5)) is not None:
            return message.error()
    return None


def test_what_it_may_take_is_bounded(world: World) -> None:
    from kafka.protocol.admin import DescribeClientQuotasRequest  # noqa: PLC0415 here alone

    def ask(admin: Any) -> dict[str, float]:
        component = DescribeClientQuotasRequest.ComponentData(entity_type="user", match_type=0, match="partner-olaria")
        request = DescribeClientQuotasRequest(components=[component], strict=True)
        [entry] = admin._manager.run(admin._manager.send, request).entries
        return {value.key: value.value for value in entry.values}

    assert ask_kafka(world.shop.cluster, "quotas", "DESCRIBE", ask) == partners.Limits().quotas()


def test_where_kafka_shows_more_than_its_own_everything_is_taken_back(world: World) -> None:
    everybodys = ResourcePattern(ResourceType.TOPIC, EVENTS.name)
    lax = ACL("User:*", "*", ACLOperation.READ, ACLPermissionType.ALLOW, everybodys)
    cluster = world.shop.cluster
    ask_kafka(cluster, "ACLs", "ALTER", lambda admin: admin.create_acls([lax]))
    try:
        with pytest.raises(SeesOthersError, match=EVENTS.name):
            world.shop.add("mar", world.agreement)
    finally:
        ask_kafka(cluster, "ACLs", "ALTER", lambda admin: admin.delete_acls([lax]))
    assert not partners.has_user(cluster, "mar")
    assert comes_in(world.shop.add("mar", world.agreement))
    world.shop.remove("mar", with_topics=True)


def test_where_nobody_is_asked_who_they_are_nothing_is_given_to_partners(tmp_path: Path, world: World) -> None:
    template = tmp_path / "open.properties"
    text = (JARS.parent / "server.properties").read_text()
    template.write_text("\n".join(line for line in text.splitlines() if not line.startswith("authorizer.")))
    with KafkaBroker(tmp_path / "kafka", JARS, template=template):
        settings = world.shop.settings.model_copy(update={"home": tmp_path})
        elsewhere = Partnership(settings, world.shop.databases, world.shop.backend)
        with pytest.raises(NoAuthoriserError):
            elsewhere.add("terra", world.agreement)
        elsewhere.close()
    assert world.shop.installation.partner_topics.last("terra") is None
