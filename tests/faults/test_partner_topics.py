"""A partner's topic: the feed, event for event as it is pulled; what may not be kept is gone from it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from adapters.kafka.broker import KafkaBroker
from adapters.kafka.jars import resolve_jars
from adapters.keys.tombstones import RecordedErasures, TombstoneFile
from adapters.postgres.erasures import PostgresErasures
from deploy import partner_topics
from deploy.settings import Settings
from domain.errors import ConflictError, UnknownError
from streams.eraser import Eraser
from streams.feeds.topics import Binding
from streams.topics import partner_topic
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.feeding import ORDERS, amend, place, product
from tests.kafka_fixtures import JARS, POM
from tests.partnering import Partnership, read_records
from tests.relaying import await_true

pytestmark = pytest.mark.kafka
CUSTOMERS = {"type": "crm.customer.registered.v1", "fields": ["name", "country"]}
FORGETFUL = "log.retention.check.interval.ms=500\n"  # of a disk: so that a test sees what has left it


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the embedded broker runs."""
    resolve_jars(POM, JARS)
    home = tmp_path_factory.mktemp("installation")
    template = home / "template.properties"
    template.write_text((JARS.parent / "server.properties").read_text() + FORGETFUL)
    with KafkaBroker(home / "kafka", JARS, template=template):
        yield home


@pytest.fixture
def shop(databases: Databases, home: Path) -> Iterator[Partnership]:
    master = new_master()
    settings = Settings(home=home, kafka="embedded", master_key=master, tombstones_file=home / "erased")
    with Backend.open(databases.app, databases.keys_app, master) as backend:
        shop = Partnership(settings, databases, backend)
        yield shop
        for one in shop.installation.partner_topics.bindings():
            shop.remove(one.name, with_topics=True)
        shop.close()


def erase(shop: Partnership, customer_id: UUID) -> None:
    """And the keys are destroyed."""
    shop.backend.do("customer.erase", customer_id=customer_id)
    identities = PostgresErasures(shop.databases.app)
    recorded = RecordedErasures(shop.backend.vault, TombstoneFile(shop.settings.home / "erased"))
    try:
        Eraser(identities, recorded, shop.backend.executor).run_once()
    finally:
        identities.close()


def test_the_topic_tells_the_feed_event_for_event_as_it_is_pulled(shop: Partnership) -> None:
    agreement = shop.agree(ORDERS, CUSTOMERS)
    jar = product(shop.backend)
    ana = shop.backend.customer(name="Ana Souza", country="PT")
    for _ in range(20):
        place(shop.backend, ana, jar)
    shop.enter()
    shop.add("olaria", agreement)
    with shop.relaying():
        shop.await_sent("olaria", 21)
        place(shop.backend, ana, jar)
        shop.enter()
        shop.await_sent("olaria", 22)
    pulled = shop.pull(agreement)
    assert shop.events("olaria") == pulled
    assert pulled[0]["data"]["name"] == "Ana Souza"


def test_restarts_repeat_nothing(shop: Partnership) -> None:
    agreement, jar = shop.agree(), product(shop.backend)
    shop.add("olaria", agreement)
    for n in range(1, 4):
        place(shop.backend, None, jar)
        shop.enter()
        with shop.relaying():
            shop.await_sent("olaria", n)
    assert [event["feedseq"] for event in shop.events("olaria")] == [1, 2, 3]


def test_what_was_told_of_an_erased_person_is_no_longer_in_the_topic(shop: Partnership) -> None:
    agreement = shop.agree(CUSTOMERS)
    ana, bia = shop.backend.customer(name="Ana Souza"), shop.backend.customer(name="Bia Lima")
    shop.enter()
    shop.add("olaria", agreement)
    with shop.relaying():
        shop.await_sent("olaria", 2)
        assert {event["data"]["name"] for event in shop.events("olaria")} == {"Ana Souza", "Bia Lima"}
        erase(shop, ana)
        shop.enter()
        shop.await_sent("olaria", 3)
        await_true(lambda: shop.events("olaria")[0]["feedseq"] == 2, 30)
        shop.backend.customer(name="Rui Dias")
        shop.enter()
        shop.await_sent("olaria", 4)
    told = shop.events("olaria")
    assert [event["feedseq"] for event in told] == [2, 3, 4]
    assert told[0]["data"]["name"] == "Bia Lima", "what stands behind the erased is still there"
    assert told[1]["type"] == "crm.feed.tombstone.v1"
    assert shop.pull(agreement)[0]["data"] == {"reason": "erased"}
    assert bia


def test_what_was_told_of_an_erased_person_leaves_the_disk_once_its_segment_is_deleted_to_its_end(
    shop: Partnership, home: Path
) -> None:
    agreement = shop.agree(CUSTOMERS)
    name = "Zuleica Quebra-Nozes"
    zuleica = shop.backend.customer(name=name)
    shop.enter()
    shop.add("olaria", agreement)
    folder = home / "kafka" / "records" / f"{partner_topic('olaria').name}-0"

    def is_on_disk() -> bool:
        return any(name.encode() in file.read_bytes() for file in folder.glob("*.log"))

    with shop.relaying():
        shop.await_sent("olaria", 1)
        await_true(is_on_disk, 30)
        erase(shop, zuleica)
        shop.enter()
        await_true(lambda: not any(name in str(event) for event in shop.events("olaria")), 30)
        roll_segments(shop)
        rui = shop.backend.customer(name="Rui Dias")
        shop.enter()
        shop.await_sent("olaria", 3)
        erase(shop, rui)
        shop.enter()
        await_true(lambda: not is_on_disk(), 60)


def roll_segments(shop: Partnership) -> None:
    """The next record begins another segment, as after six hours."""
    with KafkaAdminClient(bootstrap_servers=shop.cluster.servers) as admin:
        short = {"segment.ms": "1"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, partner_topic("olaria").name, short)])
    time.sleep(0.1)


def test_what_a_narrower_agreement_withholds_is_no_longer_in_the_topic(shop: Partnership) -> None:
    agreement = shop.agree(ORDERS, CUSTOMERS)
    ana = shop.backend.customer(name="Ana Souza")
    place(shop.backend, ana, product(shop.backend))
    shop.enter()
    shop.add("olaria", agreement)
    with shop.relaying():
        shop.await_sent("olaria", 2)
        amend(shop.backend, agreement, {"purpose": "to deliver", "shows": [ORDERS], "scope": "all"})
        shop.enter()
        pulled = shop.pull(agreement)
        shop.await_sent("olaria", len(pulled))
        await_true(lambda: "Ana Souza" not in str(shop.events("olaria")), 30)
    left = shop.events("olaria")
    assert left == pulled[-len(left) :]
    assert left[0]["type"] == "crm.feed.tombstone.v1"


@pytest.mark.parametrize("is_behind", [False, True])
def test_of_a_revoked_agreement_the_tombstone_alone_is_left(shop: Partnership, *, is_behind: bool) -> None:
    agreement = shop.agree(CUSTOMERS)
    for name in ("Ana Souza", "Bia Lima", "Rui Dias"):
        shop.backend.customer(name=name)
    shop.enter()
    shop.add("olaria", agreement)
    if not is_behind:
        with shop.relaying():
            shop.await_sent("olaria", 3)
    shop.backend.do("agreement.revoke", agreement_id=agreement)
    shop.enter()
    for _ in range(2):
        with shop.relaying():
            shop.await_sent("olaria", 4)
            await_true(lambda: [event["feedseq"] for event in shop.events("olaria")] == [4], 30)
    assert shop.events("olaria") == shop.pull(agreement)


def test_while_the_agreement_is_suspended_nothing_is_sent_and_an_erasure_holds_nevertheless(shop: Partnership) -> None:
    agreement = shop.agree(CUSTOMERS)
    ana = shop.backend.customer(name="Ana Souza")
    shop.enter()
    shop.add("olaria", agreement)
    with shop.relaying():
        shop.await_sent("olaria", 1)
        shop.backend.customer(name="Bia Lima")
        shop.enter()
        shop.await_sent("olaria", 2)
        shop.backend.do("agreement.suspend", agreement_id=agreement)
        erase(shop, ana)
        shop.enter()
        await_true(lambda: "Ana Souza" not in str(shop.events("olaria")), 30)
        assert shop.sent("olaria") == 2
        with pytest.raises(ConflictError):
            shop.pull(agreement)
        shop.backend.do("agreement.resume", agreement_id=agreement)
        shop.enter()
        shop.await_sent("olaria", 3)
    assert shop.events("olaria")[-1]["type"] == "crm.feed.tombstone.v1"


def test_a_topic_that_is_published_anew_tells_it_as_it_may_be_told_now(shop: Partnership) -> None:
    agreement = shop.agree(CUSTOMERS)
    ana = shop.backend.customer(name="Ana Souza")
    shop.backend.customer(name="Bia Lima")
    shop.enter()
    shop.add("olaria", agreement)
    with shop.relaying():
        shop.await_sent("olaria", 2)
        erase(shop, ana)
        shop.enter()
        shop.await_sent("olaria", 3)
        assert partner_topics.republish(shop.installation, partner_topic("olaria").name)
        await_true(lambda: shop.sent("olaria") == 3 and len(shop.events("olaria")) >= 2, 60)
    told = shop.events("olaria")
    assert told == shop.pull(agreement)[-len(told) :]
    assert not partner_topics.republish(shop.installation, "crm.partner.nobody.v1")


def test_a_name_whose_topic_carried_another_feed_begins_empty(shop: Partnership) -> None:
    first, second = shop.agree(CUSTOMERS), shop.agree(CUSTOMERS)
    shop.backend.customer(name="Ana Souza")
    shop.enter()
    shop.add("olaria", first)
    with pytest.raises(partner_topics.TopicTakenError):
        shop.add("olaria", second)
    with shop.relaying():
        shop.await_sent("olaria", 1)
        shop.remove("olaria")
        opened = shop.add("olaria", second)
        assert opened.password
        shop.await_sent("olaria", 1)
    assert {event["source"] for event in shop.events("olaria")} == {f"/relato/relato/feeds/{second}"}


def test_a_record_that_was_not_sent_from_this_feed_stands_only_its_own_topic(shop: Partnership) -> None:
    agreement = shop.agree(CUSTOMERS)
    shop.backend.customer(name="Ana Souza")
    shop.enter()
    for name in ("olaria", "luz"):
        shop.add(name, agreement)
    producer = KafkaProducer(bootstrap_servers=shop.cluster.servers)
    producer.send(partner_topic("olaria").name, b"{}", partition=0)
    producer.flush(20)
    producer.close()
    with shop.relaying():
        shop.await_sent("luz", 1)
        assert shop.sent("olaria") == 0
    assert [one.event["feedseq"] for one in read_records(shop.cluster, "luz")] == [1]


def test_a_name_an_agreement_or_a_topic_that_cannot_be_is_said(shop: Partnership) -> None:
    agreement = shop.agree(CUSTOMERS)
    for name in ("Olaria", "olaria.inbound", "-olaria", "", "o" * 41, "*"):
        with pytest.raises(partner_topics.TopicNameError):
            shop.add(name, agreement)
    with pytest.raises(UnknownError):
        shop.add("olaria", shop.partner_id)
    shop.backend.do("agreement.revoke", agreement_id=agreement)
    with pytest.raises(ConflictError):
        shop.add("olaria", agreement)
    with pytest.raises(UnknownError):
        shop.remove("olaria")
    assert shop.installation.partner_topics.last("olaria") is None
    assert Binding("olaria", agreement, shop.partner_id) not in shop.installation.partner_topics.bindings()
