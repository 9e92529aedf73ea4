"""Away, lost, restored or asleep: the installation says what is wrong, and comes back to one truth."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from kafka.admin import KafkaAdminClient

from projections.catalogue import SERVICES
from streams.topics import EVENTS, SHARES
from tests.faults.crew import Crew, Teller
from tests.faults.proof import assert_each_acknowledged_once, assert_one_truth
from tests.faults.system import System, installed

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
THROUGH_KAFKA = ("relay", "folds from Kafka", "actors")
FOLDS = ("folds from Kafka", "folds from the ledger")
# Longer than the broker's session (3 s), a request (10 s) and the comparison with the ledger's heads (15 s); whoever
# comes through that comes through a minute, which would only be more of the same pauses.
AWAY_S = 20.0
ORDERS, BUYERS = 20_000, 900


@pytest.fixture
def system() -> Iterator[System]:
    with installed() as system:
        yield system


@pytest.fixture
def crew(system: System) -> Crew:
    return Crew(system)


@pytest.fixture
def teller(system: System) -> Teller:
    return Teller(system, 1)


def test_a_broker_that_is_away_holds_up_the_read_models_and_not_the_ledger(
    system: System, crew: Crew, teller: Teller
) -> None:
    crew.start(*THROUGH_KAFKA)
    teller.start()
    system.await_growth(100)
    system.await_passed(system.mark())
    system.broker.kill()
    gone_at = time.monotonic()
    while time.monotonic() < gone_at + AWAY_S:
        system.await_growth(20)
    away = system.mark()
    assert not system.is_relayed(away)
    assert not system.is_folded(away)
    system.broker.start()
    system.await_passed(away)
    finish(system, crew, teller, *THROUGH_KAFKA)


def test_a_topic_that_was_lost_is_published_anew_while_folds_read_it(
    system: System, crew: Crew, teller: Teller
) -> None:
    crew.start(*THROUGH_KAFKA)
    teller.start()
    system.await_growth(200)
    system.await_passed(system.mark())
    with KafkaAdminClient(bootstrap_servers=system.broker.bootstrap) as admin:
        admin.delete_topics([EVENTS.name])
    system.await_growth(100)
    assert "the relay fills it" in system.tell("republish", EVENTS.name)
    mark = system.mark()
    system.await_true(
        lambda: crew.revive(*THROUGH_KAFKA) and system.has_passed(mark), 120, lambda: system.explain(mark)
    )
    finish(system, crew, teller, *THROUGH_KAFKA)


def test_a_topic_published_anew_without_need_disturbs_nobody(system: System, crew: Crew, teller: Teller) -> None:
    crew.start()
    teller.start()
    for _ in range(2):
        system.await_growth(200)
        system.tell("republish", EVENTS.name)
        mark = system.mark()
        system.await_true(lambda mark=mark: crew.revive() and system.has_passed(mark), 120)  # type: ignore[misc]
    finish(system, crew, teller, *crew.parts)


def test_a_ledger_restored_behind_kafka_stops_relay_and_folds_until_it_is_published_anew(
    system: System, crew: Crew, teller: Teller
) -> None:
    tell_and_fold(system, crew, teller)
    saved = system.folder / "saved"
    system.server.stop()
    shutil.copytree(system.server.data, saved)
    system.server.start()
    tell_and_fold(system, crew, Teller(system, 2))
    lost = system.position
    system.server.stop()
    shutil.rmtree(system.server.data)
    saved.rename(system.server.data)
    system.server.start()
    after = Teller(system, 3)  # whose facts take the numbers of the lost ones
    after.start()
    system.await_growth(100)
    assert system.position < lost
    folded = count_folded(system)
    for name, words in (("relay", "`relato republish` the topic"), ("folds from Kafka", "older backup")):
        crew.start(name)
        assert crew.parts[name].await_end(60) == 1
        assert words in crew.parts[name].told()
    assert count_folded(system) == folded, "facts that are lost were folded"
    system.tell("republish", EVENTS.name, *(share.name for share in SHARES.values()))
    crew.start(*THROUGH_KAFKA)
    system.await_passed(system.mark())
    finish(system, crew, after, *THROUGH_KAFKA)


def test_a_service_that_folded_what_the_ledger_lost_starts_over(system: System, crew: Crew, teller: Teller) -> None:
    tell_and_fold(system, crew, teller)
    system.ask("update sales.projection_bookmark set seq = seq + 1 where seq > 0 returning 1")
    crew.start("folds from the ledger")
    assert crew.parts["folds from the ledger"].await_end(60) == 1
    assert "--start-over" in crew.parts["folds from the ledger"].told()
    done = system.relato("rebuild", "pipeline")
    assert (done.returncode, "older backup" in done.stderr) == (1, True)
    assert "first fact" in system.tell("rebuild", "pipeline", "--start-over")
    crew.start()
    system.await_passed(system.mark())
    crew.stop()
    assert_one_truth(system)


def test_folds_that_sleep_through_their_leases_write_nothing_when_they_wake(
    system: System, crew: Crew, teller: Teller
) -> None:
    crew.start()
    teller.start()
    system.await_growth(100)
    system.await_passed(system.mark())
    for name in FOLDS:
        os.kill(crew.parts[name].pid, signal.SIGSTOP)
        system.await_growth(200)
        system.await_passed(system.mark())  # the other has taken all over
        os.kill(crew.parts[name].pid, signal.SIGCONT)
        system.await_true(lambda: count_workers(system) == {service.name: 2 for service in SERVICES})
        system.await_growth(100)
        system.await_passed(system.mark())
        crew.require_running()
    finish(system, crew, teller, *crew.parts)


def test_an_import_killed_again_and_again_brings_each_row_once(system: System) -> None:
    file = system.folder / "CDNOW_master.txt"
    rows = [(n % BUYERS, 1 + n % 5, 100 + n % 777) for n in range(ORDERS)]
    lines = (f" {who:05} 1997{1 + who % 9:02}11  {units}  {cents / 100:6.2f}\n" for who, units, cents in rows)
    file.write_text("".join([" customer_id  date number_of_cds  dollar_value\n", *lines]))
    importer = system.part("importer", "import", "cdnow", str(file), "--rejects", str(system.folder / "rejects"))
    kills = 0
    while kills < 4:
        before = system.position
        importer.start()
        system.await_true(lambda before=before: importer.status is not None or system.position > before)  # type: ignore[misc]
        if importer.status is not None:
            break
        importer.kill()
        kills += 1
    assert kills > 0
    importer.start()
    assert importer.await_end(120) == 0, importer.told()
    counts = dict(system.ask("select type, count(*) from ledger.fact group by 1"))
    assert counts == {
        "crm.product.registered.v1": 1, "crm.customer.registered.v1": BUYERS, "crm.order.placed.v1": ORDERS,
    }  # fmt: skip
    placed = system.ask(
        "select (l->>'quantity')::int, (l->>'amount_minor')::int from ledger.fact,"
        " jsonb_array_elements(convert_from(data, 'UTF8')::jsonb->'lines') l where type = 'crm.order.placed.v1'"
    )
    assert Counter(placed) == Counter((units, cents) for _, units, cents in rows)
    assert not (system.folder / "rejects").exists()


def tell_and_fold(system: System, crew: Crew, teller: Teller) -> None:
    crew.start(*THROUGH_KAFKA)
    teller.start()
    system.await_growth(300)
    teller.stop()
    system.await_passed(system.mark())
    crew.stop(*THROUGH_KAFKA)


def finish(system: System, crew: Crew, teller: Teller, *names: str) -> None:
    teller.stop()
    system.await_passed(system.mark())
    crew.stop(*names)
    assert_one_truth(system)
    assert_each_acknowledged_once(system, teller.acknowledged)


def count_folded(system: System) -> dict[str, int]:
    question = "select coalesce(sum(seq), 0)::int from {}.projection_bookmark"
    return {service.name: system.ask(question.format(service.name))[0][0] for service in SERVICES}


def count_workers(system: System) -> dict[str, int]:
    """Who holds a lease that has not run out."""
    question = "select count(distinct worker) from {}.projection_lease where worker <> 0 and expires_at > now()"
    return {service.name: system.ask(question.format(service.name))[0][0] for service in SERVICES}
