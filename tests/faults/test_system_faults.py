"""The whole installation under load, one part after the other killed: nothing is lost, nothing comes twice."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from tests.faults.crew import Crew, Teller, Years
from tests.faults.proof import (
    assert_each_acknowledged_once,
    assert_erased,
    assert_nothing_planted,
    assert_one_truth,
    assert_years_are_whole,
)
from tests.faults.system import System, installed

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(480)]
SEED, ROUNDS = 7, 2
VICTIMS = ("teller", "importer", "relay", "folds from Kafka", "folds from the ledger", "actors", "Kafka", "PostgreSQL")


@pytest.fixture
def system() -> Iterator[System]:
    with installed() as system:
        yield system


def test_whoever_is_killed_under_load_all_come_to_the_same_end(system: System) -> None:
    crew, teller, years, chance = Crew(system), Teller(system, SEED), Years(system), random.Random(SEED)
    for part in (crew, teller, years):
        part.start()
    for _ in range(ROUNDS):
        for victim in chance.sample(VICTIMS, len(VICTIMS)):
            system.await_growth(60)
            threading.Event().wait(chance.random())
            years.keep_on()
            mark = system.mark()
            kill_and_start(system, crew, teller, years, victim)
            system.await_passed(mark)
            crew.require_running()
    teller.stop()
    years.finish()
    system.await_passed(system.mark())
    crew.stop()
    assert_one_truth(system)
    assert len(teller.acknowledged) > 500
    assert_each_acknowledged_once(system, teller.acknowledged)
    assert_years_are_whole(system, years.count)
    assert_erased(system)
    assert_nothing_planted(system)


def kill_and_start(system: System, crew: Crew, teller: Teller, years: Years, victim: str) -> None:
    if victim == "PostgreSQL":
        system.server.kill()
        system.server.start()
    elif victim == "Kafka":
        system.broker.kill()
        system.broker.start()
    else:
        part = {"teller": teller.part, "importer": years.importer, **crew.parts}[victim]
        part.kill()
        part.start()
