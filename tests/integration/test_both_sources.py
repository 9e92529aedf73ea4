"""Live equals rebuilt, byte for byte: every read model, from the ledger and from Kafka, by one process and by three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from uuid import UUID

import pytest

from adapters.kafka.cluster import Cluster
from adapters.postgres.erasures import PostgresErasures
from adapters.simulation.load import load
from adapters.simulation.simulation import Simulation
from domain.errors import RefusedError
from domain.event import Event
from projections.catalogue import SERVICES
from projections.engine.progress import wait_until
from projections.engine.schema import connect, prepare
from streams.eraser import Eraser
from streams.topics import TopicSpec
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.refolding import Prints, fold_beside, folding_live, from_kafka, from_ledger, prints
from tests.relaying import Relaying

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
TOLD = ("merged", "unmerged", "person_erased", "contact_removed", "field_set")


@pytest.fixture
def backend(databases: Databases) -> Iterator[Backend]:
    with Backend.open(databases.app, databases.keys_app, new_master()) as backend:
        yield backend


@pytest.fixture
def eraser(backend: Backend, databases: Databases) -> Iterator[Eraser]:
    with closing(PostgresErasures(databases.app)) as erasures:
        yield Eraser(erasures, backend.vault, backend.executor)


def test_live_and_rebuilt_are_equal_from_either_source_with_any_number_of_processes(
    backend: Backend, eraser: Eraser, databases: Databases, cluster: Cluster, events_topic: TopicSpec
) -> None:
    dsn = databases.owner
    ledger, kafka = from_ledger(dsn), from_kafka(dsn, cluster, events_topic.name)
    for service in SERVICES:
        with closing(connect(dsn, service)) as db:
            prepare(db, service)
    with Relaying(databases.app, cluster, events_topic) as relaying:
        with folding_live(dsn, ledger, kafka):
            load(backend.executor, Simulation(150, 3_500, seed=11))
            eraser.run_once()
            live = await_live(backend, relaying, dsn)
            events = backend.ledger.read(0, 100_000)
            assert_has_everything(events)
            sources = {"ledger": ledger, "kafka": kafka}
            for processes in (1, 3):
                for name, source in sources.items():
                    assert fold_beside(dsn, f"{name}_{processes}", source, processes) == live
            erase_two(backend, eraser, events)
            load(backend.executor, Simulation(15, 450, seed=12))
            erased = await_live(backend, relaying, dsn)
        assert differing(live, erased) == {service.name for service in SERVICES}
        # what one source began, the other goes on with
        assert fold_beside(dsn, "ledger_1", kafka, 3) == erased
        assert fold_beside(dsn, "kafka_3", ledger) == erased
        assert fold_beside(dsn, "ledger_again", ledger, 3) == erased
        assert fold_beside(dsn, "kafka_again", kafka) == erased


def differing(one: Mapping[str, Prints], other: Mapping[str, Prints]) -> set[str]:
    return {name for name in one if one[name] != other[name]}


def await_live(backend: Backend, relaying: Relaying, dsn: str) -> Mapping[str, Prints]:
    relaying.await_position(backend.ledger.last_position())
    for service in SERVICES:
        with closing(connect(dsn, service)) as db:
            assert wait_until(db, backend.ledger.partition_heads(), timeout_s=60)
    return prints(dsn)


def assert_has_everything(events: Sequence[Event]) -> None:
    types = Counter(event.type for event in events)
    assert 3_500 <= len(events) <= 10_000
    missing = {name for name in TOLD if not types[f"crm.customer.{name}.v1"]}
    assert not missing, sorted(types)


def erase_two(backend: Backend, eraser: Eraser, events: Sequence[Event]) -> None:
    """The two of whom most is told; one survives a merge, so that an alias goes too."""
    told = Counter(event.subject_id for event in events if event.type.startswith("crm.customer."))
    survivors = [event.subject_id for event in events if event.type == "crm.customer.absorbed.v1"]
    erased = 0
    for customer_id in [*survivors, *(subject for subject, _ in told.most_common(20))]:
        erased += try_to_erase(backend, customer_id)
        if erased == 2:
            break
    assert erased == 2
    assert eraser.run_once() >= 2


def try_to_erase(backend: Backend, customer_id: UUID) -> bool:
    """False for who was erased or merged before."""
    try:
        return bool(backend.do("customer.erase", customer_id=customer_id).places)
    except RefusedError:
        return False
