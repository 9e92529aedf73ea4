"""The windows' worker on a real broker: it is killed, it is stopped, and nothing is lost by it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.ids import uuid7
from adapters.kafka.admin import recreate_topic
from adapters.kafka.broker import KafkaBroker
from adapters.kafka.cluster import Cluster
from deploy import streams
from domain.event import Origin
from domain.interaction.facts import InteractionLogged
from domain.ticket.facts import Priority, TicketOpened, TicketResolved
from streams.topics import SHARES
from tests.kafka_fixtures import JARS
from tests.relaying import await_true
from tests.windowing import Relayed, Seen, await_worker, watched

pytestmark = pytest.mark.kafka
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The topics have the names that they always have."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka") / "home", JARS) as broker:
        yield Cluster(broker.bootstrap)


@pytest.fixture(scope="module")
def relayed(own_cluster: Cluster) -> Iterator[Relayed]:
    with closing(Relayed(own_cluster)) as relayed:
        yield relayed


@pytest.fixture
def seen(own_cluster: Cluster, relayed: Relayed) -> Iterator[Seen]:
    _ = relayed  # the topics are there
    with closing(Seen(own_cluster)) as seen:
        yield seen


def complain(relayed: Relayed, times: int) -> str:
    product = uuid7()
    for _ in range(times):
        relayed.tell(TicketOpened(category="complaint", product_id=product))
    relayed.flush()
    return str(product)


def test_facts_become_alerts_and_rows_and_what_is_solved_leaves(
    own_cluster: Cluster, relayed: Relayed, seen: Seen, tmp_path: Path
) -> None:
    ana, product = uuid7(), complain(relayed, 5)
    late = relayed.tell(TicketOpened(priority=Priority.URGENT), ago=230 * MINUTE)
    relayed.tell(TicketOpened(priority=Priority.URGENT), ago=230 * MINUTE, origin=Origin.IMPORT)
    relayed.tell(InteractionLogged(channel="telephone", direction="outbound", employee_id=ana))
    relayed.flush()
    with watched(own_cluster, tmp_path, "first"):
        await_true(lambda: len(seen.alerts()) == 2, 60)
        assert {str(told.subject_id) for told in seen.alerts()} == {product, str(late)}
        await_true(lambda: seen.rows("sla-at-risk").keys() == {f"sla-at-risk/{late}"})
        await_true(lambda: seen.rows("activity").keys() == {f"activity/{ana}"})
        assert seen.rows("complaints")[f"complaints/{product}"]["is_burst"]
        relayed.tell(TicketResolved(), late)
        relayed.flush()
        await_true(lambda: not seen.rows("sla-at-risk"))


def test_a_worker_that_is_killed_tells_every_alert_and_repeats_none(
    own_cluster: Cluster, relayed: Relayed, seen: Seen, tmp_path: Path
) -> None:
    ana, products = uuid7(), [complain(relayed, 5) for _ in range(3)]
    with watched(own_cluster, tmp_path, "second"):
        await_true(lambda: any(str(told.subject_id) in products for told in seen.alerts()), 60)
        killed = await_worker().pid
        for _ in range(20):
            relayed.tell(InteractionLogged(channel="telephone", direction="outbound", employee_id=ana))
            products.append(complain(relayed, 5))
        await_worker().send_signal(signal.SIGKILL)
        products += [complain(relayed, 6) for _ in range(5)]
        await_worker(other_than=killed)
        await_true(lambda: {str(told.subject_id) for told in seen.alerts()} >= set(products), 60)
        await_true(lambda: seen.rows("activity").get(f"activity/{ana}", {}).get("interactions") == 20)
    told = [one for one in seen.alerts() if str(one.subject_id) in products]
    assert len({one.id for one in told}) == len(products)


def test_a_worker_that_stands_still_is_replaced(
    own_cluster: Cluster, relayed: Relayed, seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PATIENCE_S", 8.0)
    monkeypatch.setattr(streams, "GLANCE_S", 0.5)
    first = complain(relayed, 5)
    with watched(own_cluster, tmp_path, "third"):
        await_true(lambda: first in {str(told.subject_id) for told in seen.alerts()}, 60)
        stopped = await_worker()
        stopped.send_signal(signal.SIGSTOP)
        second = complain(relayed, 5)
        await_true(lambda: second in {str(told.subject_id) for told in seen.alerts()}, 90)
        assert not stopped.is_running()


def test_a_worker_that_is_asked_to_ends_within_seconds(
    own_cluster: Cluster, relayed: Relayed, seen: Seen, tmp_path: Path
) -> None:
    product = complain(relayed, 5)
    with watched(own_cluster, tmp_path, "fourth"):
        await_true(lambda: product in {str(told.subject_id) for told in seen.alerts()}, 60)
        worker, asked_at = await_worker(), time.monotonic()
        worker.terminate()
        worker.wait(15)
        assert time.monotonic() - asked_at < 10


def test_a_topic_that_is_published_anew_is_read_anew(
    own_cluster: Cluster, relayed: Relayed, seen: Seen, tmp_path: Path
) -> None:
    before = complain(relayed, 50)
    with watched(own_cluster, tmp_path, "anew"):
        await_true(lambda: before in {str(told.subject_id) for told in seen.alerts()}, 60)
        first = await_worker().pid
        recreate_topic(own_cluster, SHARES["support"])
        after = complain(relayed, 5)
        await_true(lambda: after in {str(told.subject_id) for told in seen.alerts()}, 60)
        assert await_worker().pid != first


def test_after_an_outage_of_kafka_alerts_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PATIENCE_S", 8.0)
    monkeypatch.setattr(streams, "GLANCE_S", 0.5)
    with KafkaBroker(tmp_path / "kafka", JARS) as broker, closing(Relayed(Cluster(broker.bootstrap))) as relayed:
        cluster = Cluster(broker.bootstrap)
        with watched(cluster, tmp_path, "fifth"), closing(Seen(cluster)) as seen:
            before = complain(relayed, 5)
            await_true(lambda: before in {str(told.subject_id) for told in seen.alerts()}, 60)
            broker.kill()
            broker.start()
            after = complain(relayed, 5)
            await_true(lambda: after in {str(told.subject_id) for told in seen.alerts()}, 90)
