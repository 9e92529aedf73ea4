"""What must hold in the end, whatever happened: one truth in the ledger, in the topic, and in the read models."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from uuid import UUID

from adapters.postgres.ledger import PostgresLedger
from deploy.wiring import Installation
from projections.catalogue import SERVICES
from streams.checkpoints.audit import AuditReport, audit_ledger
from streams.envelope import decode
from streams.topics import EVENTS, TOPICS
from tests.faults.crew import YEAR
from tests.faults.planted import bytes_of, dump, find, find_in_files, forms_of, read_records
from tests.faults.system import System
from tests.faults.telling import IN_CLEAR, PLANTED, Acknowledged
from tests.refolding import fold_beside, from_ledger, prints
from tests.relaying import assert_no_hole, assert_whole


def assert_one_truth(system: System) -> None:
    """The ledger is sound under every signed head; topic and read models are what it makes."""
    report = audit(system)
    assert report.is_sound, report.problems
    assert report.covered == report.rows == system.position
    assert report.checkpoints > 1
    with closing(PostgresLedger(system.database)) as ledger:
        assert_no_hole(system.cluster, EVENTS, ledger)
    records = read_records(system.cluster, EVENTS.name)
    assert_whole([decode(r.partition, r.offset, r.key, r.value, r.headers) for r in records])
    for service in SERVICES:
        assert system.ask(f"select count(*) from {service.name}.projection_parked") == [(0,)]
    assert fold_beside(system.database, "again", from_ledger(system.database), 2) == prints(system.database)


def audit(system: System) -> AuditReport:
    with Installation(system.settings) as installation:
        store = installation.checkpoints
        return audit_ledger(store, store, installation.checkpointer.verifier)


def assert_each_acknowledged_once(system: System, acknowledged: Acknowledged) -> None:
    """A command's facts are where its acknowledgement says, and nowhere else; also those nobody heard of are whole."""
    held = defaultdict[UUID, list[int]](list)
    for command_id, position in system.ask(
        "select command_id, position from ledger.fact where actor = 'teller' order by position"
    ):
        held[command_id].append(position)
    assert {command_id: tuple(held[command_id]) for command_id in acknowledged} == acknowledged
    assert all(positions == list(range(positions[0], positions[-1] + 1)) for positions in held.values())


def assert_years_are_whole(system: System, years: int) -> None:
    """Told again, the first and the last are known to the last command."""
    for seed in {1, years}:
        again = json.loads(system.tell(*YEAR, "--seed", str(seed)))
        assert (again["facts"], again["repeated"]) == (0, again["commands"])


def assert_erased(system: System) -> None:
    """Of each erased person there is a tombstone, and no key."""
    erased = system.ask(
        "select distinct jsonb_array_elements_text(convert_from(data, 'UTF8')::jsonb->'person_ids') from ledger.fact"
        " where type = 'crm.customer.person_erased.v1'"
    )
    persons = [UUID(person) for (person,) in erased]
    assert len(persons) > 20
    count = "select count(*) from keys.{} where person_id = any(%s)"
    assert system.ask(count.format("tombstone"), persons, database="relato_keys") == [(len(persons),)]
    assert system.ask(count.format("person_key"), persons, database="relato_keys")[0][0] > 0
    living = count.format("person_key") + " and wrapped is not null"
    assert system.ask(living, persons, database="relato_keys") == [(0,)]


def assert_nothing_planted(system: System) -> None:
    """Neither in any file, nor in what a dump of the databases or a reader of the topic would show."""
    planted, ordinary = forms_of(PLANTED), forms_of(IN_CLEAR)
    for database in ("relato", "relato_keys"):
        assert find(dump(system.server.dsn(database)), planted) == []
    assert find(dump(system.database), ordinary), "one would not find anything"
    for topic in TOPICS:
        assert find(map(bytes_of, read_records(system.cluster, topic.name)), planted) == []
    system.broker.stop()
    system.server.stop()
    assert find_in_files(system.folder, planted) == []
    seen = {Path(name).parts[1] for name, _ in find_in_files(system.folder, ordinary)}
    assert seen >= {"postgres", "kafka"}, "one would not find anything"
