"""The stock eventsourcing library runs over the ledger: its application, notification log and projection runner."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    StoredEvent,
    Tracking,
)
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from adapters.ids import uuid7
from adapters.postgres.recorder import DbFunctionsError, Entry, FactEvent, LedgerApplication, LedgerRecorder
from domain.customer.facts import CustomerStageChanged, NeedNoted, PersonErased, Stage
from domain.fact import Fact
from tests.conftest import Databases

STAGE = CustomerStageChanged(stage=Stage.CUSTOMER, reason="ordered")
NEED = NeedNoted(need="solar panels")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(stream: UUID, version: int, fact: Fact = STAGE, **more: Any) -> FactEvent:
    return FactEvent(stream, version, stream, fact, **more)


@pytest.fixture
def env(databases: Databases) -> dict[str, str]:
    return {"LEDGER_DSN": databases.app}


@pytest.fixture
def app(env: dict[str, str]) -> Iterator[LedgerApplication]:
    with LedgerApplication(env) as app:
        yield app


@pytest.fixture
def recorder(app: LedgerApplication) -> LedgerRecorder:
    assert isinstance(app.recorder, LedgerRecorder)
    return app.recorder


def test_what_is_saved_comes_back_by_stream_and_in_the_notification_log(app: LedgerApplication) -> None:
    a, b = uuid7(), uuid7()
    recordings = app.save(event(a, 1, occurred_at=AT), event(b, 1, NEED, occurred_at=AT), event(a, 2, NEED))
    assert [recording.notification.id for recording in recordings] == [1, 2, 3]
    assert next(iter(app.events.get(a))) == event(a, 1, occurred_at=AT)
    assert [e.originator_version for e in app.events.get(a)] == [1, 2]
    section = app.notification_log["1,10"]
    assert [(item.id, item.originator_id, item.topic) for item in section.items] == [
        (1, a, STAGE.TYPE),
        (2, b, NEED.TYPE),
        (3, a, NEED.TYPE),
    ]
    assert section.id == "1,3"


def test_events_of_a_stream_are_selected_by_version_direction_and_limit(
    app: LedgerApplication, recorder: LedgerRecorder
) -> None:
    stream = uuid7()
    app.save(*(event(stream, version) for version in range(1, 7)))

    def versions(**query: Any) -> list[int]:
        return [entry.originator_version for entry in recorder.select_events(stream, **query)]

    assert versions() == [1, 2, 3, 4, 5, 6]
    assert versions(gt=2, lte=5) == [3, 4, 5]
    assert versions(desc=True, limit=2) == [6, 5]
    assert versions(lte=4, desc=True, limit=1) == [4]
    assert versions(gt=6) == []
    assert recorder.select_events(uuid7()) == []


def test_notifications_are_selected_by_position_and_topic(app: LedgerApplication, recorder: LedgerRecorder) -> None:
    assert recorder.max_notification_id() is None
    stream = uuid7()
    app.save(*(event(stream, version, NEED if version % 2 else STAGE) for version in range(1, 9)))

    def ids(*args: Any, **query: Any) -> list[int]:
        return [notification.id for notification in recorder.select_notifications(*args, **query)]

    assert ids(None, 3) == [1, 2, 3]
    assert ids(3, 3) == [3, 4, 5]
    assert ids(3, 3, inclusive_of_start=False) == [4, 5, 6]
    assert ids(2, 10, 4) == [2, 3, 4]
    assert ids(1, 10, topics=[STAGE.TYPE]) == [2, 4, 6, 8]
    assert ids(1, 3, topics=[STAGE.TYPE, NEED.TYPE]) == [1, 2, 3]
    assert ids(1, 10, topics=["crm.customer.person_erased.v1"]) == []
    assert recorder.max_notification_id() == 8


@pytest.mark.parametrize("versions", [(1,), (3,), (2, 2), (2, 4)])
def test_a_version_that_is_taken_or_leaves_a_gap_is_an_integrity_error(
    app: LedgerApplication, recorder: LedgerRecorder, versions: tuple[int, ...]
) -> None:
    stream = uuid7()
    app.save(event(stream, 1))
    with pytest.raises(IntegrityError):
        app.save(*(event(stream, version) for version in versions))
    assert recorder.max_notification_id() == 1


def test_of_many_applications_that_save_one_version_one_wins(env: dict[str, str]) -> None:
    stream, results = uuid7(), Counter[str]()
    start = threading.Barrier(8)
    apps = [LedgerApplication(env) for _ in range(2)]

    def save(app: LedgerApplication) -> None:
        start.wait()
        try:
            app.save(event(stream, 1))
            results["saved"] += 1
        except IntegrityError:
            results["refused"] += 1

    threads = [threading.Thread(target=save, args=[apps[n % 2]]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for app in apps:
        app.close()
    assert results == {"saved": 1, "refused": 7}


def test_a_command_id_given_again_gets_the_first_positions_and_with_another_content_an_error(
    app: LedgerApplication,
) -> None:
    stream, command_id = uuid7(), uuid7()
    first = app.save(event(stream, 1), command_id=command_id)
    again = app.save(event(stream, 1), command_id=command_id)
    assert [r.notification.id for r in again] == [r.notification.id for r in first]
    with pytest.raises(IntegrityError, match="another content"):
        app.save(event(stream, 1, NEED), command_id=command_id)


def test_what_is_no_fact_is_refused_and_nothing_is_written(recorder: LedgerRecorder) -> None:
    stream = uuid7()
    for bad in (
        StoredEvent(stream, 1, STAGE.TYPE, STAGE.encode()),
        Entry(stream, 1, "crm.nobody.knows.v1", b"{}", subject_id=stream),
        Entry(stream, 1, STAGE.TYPE, b'{"stage":"nowhere"}', subject_id=stream),
        Entry(stream, 1, STAGE.TYPE, STAGE.encode()),
    ):
        with pytest.raises(DataError):
            recorder.insert_events([bad])
    assert recorder.max_notification_id() is None


def test_functions_of_the_library_in_the_database_are_refused(env: dict[str, str]) -> None:
    with pytest.raises(DbFunctionsError):
        LedgerApplication({**env, "POSTGRES_ENABLE_DB_FUNCTIONS": "y"})


def test_a_subscription_yields_what_was_and_what_comes(app: LedgerApplication, recorder: LedgerRecorder) -> None:
    a, b = uuid7(), uuid7()
    app.save(event(a, 1), event(a, 2, NEED))
    with recorder.subscribe(gt=1) as subscription, recorder.subscribe(topics=[STAGE.TYPE]) as of_stages:
        assert next(subscription).id == 2
        assert next(of_stages).id == 1
        later = threading.Timer(0.1, app.save, [event(b, 1, NEED), event(b, 2)])
        later.start()
        assert [next(subscription).id, next(subscription).id] == [3, 4]
        assert next(of_stages).id == 4
        later.join()
        subscription.stop()
        with pytest.raises(StopIteration):
            next(subscription)


def test_a_subscription_survives_the_loss_of_every_connection(
    app: LedgerApplication, recorder: LedgerRecorder, databases: Databases
) -> None:
    stream, seen = uuid7(), list[int]()
    with recorder.subscribe() as subscription:

        def follow() -> None:
            seen.extend(notification.id for notification in subscription)

        reader = threading.Thread(target=follow)
        reader.start()
        for version in range(1, 6):
            app.save(event(stream, version))
            with psycopg.connect(databases.owner) as db:
                db.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid()"
                )
        wait_until(lambda: len(seen) >= 5)
        subscription.stop()
        reader.join()
    assert seen == [1, 2, 3, 4, 5]


def wait_until(holds: Any, timeout_s: float = 20) -> None:
    poll = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        if holds():
            return
        poll.wait(0.02)
    raise AssertionError("it did not come true in time")


class Needs(POPOTrackingRecorder):
    """A stock view: how often each need was noted, and in which order the positions came."""

    def __init__(self) -> None:
        super().__init__()
        self.needs, self.positions = Counter[str](), list[int]()

    def count(self, need: str, tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self.needs[need] += 1
            self.positions.append(tracking.notification_id)


class NeedsProjection(Projection[Needs]):
    topics = (NEED.TYPE,)

    @singledispatchmethod
    def process_event(self, domain_event: FactEvent, tracking: Tracking) -> None:
        assert isinstance(domain_event.fact, NeedNoted)
        self.view.count(domain_event.fact.need, tracking)


def test_a_stock_projection_runner_follows_the_ledger(env: dict[str, str], app: LedgerApplication) -> None:
    streams = [uuid7() for _ in range(4)]
    app.save(*(event(stream, 1, NeedNoted(need="a")) for stream in streams), event(streams[0], 2))
    runner = ProjectionRunner(
        application_class=LedgerApplication, projection_class=NeedsProjection, view_class=Needs, env=env
    )
    with runner:
        writers = [
            threading.Thread(
                target=lambda stream=stream, first=first: [
                    app.save(event(stream, first + n, NeedNoted(need="b"))) for n in range(25)
                ]
            )
            for stream, first in zip(streams, (3, 2, 2, 2), strict=True)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        erased = app.save(event(uuid7(), 1, PersonErased(person_ids=())), event(uuid7(), 1, NEED))
        runner.wait(erased[-1].notification.id, timeout=20)
        assert runner.view.needs == {"a": 4, "b": 100, NEED.need: 1}
        assert runner.view.positions == sorted(set(runner.view.positions))
