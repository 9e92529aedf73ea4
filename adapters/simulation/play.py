"""The demonstration, act by act: load a year, fold it, look at it, erase one person, look again, prove it all."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from adapters.cli.installation import FeedStage, Installation
from adapters.simulation.load import Loaded, load
from adapters.simulation.scenes import SCENES, Rows, Viewer
from adapters.simulation.seeded import SeededIds
from adapters.simulation.simulation import Simulation
from domain.access.facts import Role
from domain.customer.commands import ErasePerson
from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.event import Event
from domain.execute import Context
from projections.engine.readmodel import Service
from projections.engine.sources import Log
from projections.engine.worker import catch_up
from projections.history import Horizon, read_history
from streams.checkpoints.audit import AuditReport, audit_ledger
from streams.checkpoints.note import Checkpoint, open_note

Tell = Callable[[int], None]
Publish = Callable[[int, float], None]
RELAY_S = 60.0


class Sight(NamedTuple):
    """What all audiences see at one time."""

    scenes: Mapping[str, Rows]
    supplier: str
    history: Sequence[Event]
    by_summer: int


@dataclass
class Play:
    """Over an installation with nothing in it. `publish` waits so long until the topic holds all up to a position."""

    installation: Installation
    services: Sequence[Service]
    simulation: Simulation
    zone: ZoneInfo
    open_log: Callable[[], Log]
    open_feeds: Callable[[], AbstractContextManager[FeedStage]]
    publish: Publish | None = None
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        self.viewer = Viewer(self.installation.connect, self.installation.disclosure, self.zone, self.simulation.year)

    @property
    def facts(self) -> int:
        return self.installation.ledger.last_position()

    def load(self, tell: Callable[[Loaded], None]) -> Loaded:
        """The year, and the erasures that it orders."""
        with self.timed("load"):
            loaded = load(self.installation.executor, self.simulation, on_progress=tell)
            self.installation.eraser.run_once()
        return loaded

    def stream(self) -> None:
        if self.publish:
            with self.timed("relay"):
                self.publish(self.facts, RELAY_S)

    def fold(self, tell: Tell) -> None:
        """Tells how many services are done."""
        with self.timed("fold"):
            for n, service in enumerate(self.services):
                connect = partial(self.installation.connect, service.name)
                catch_up(service, connect=connect, open_log=self.open_log)
                tell(n + 1)

    def choose_person(self, is_told_of: Callable[[UUID], bool]) -> UUID:
        """One of the best customers, of whom most is known; a person, and one the partner was told of, if there is."""
        [scene] = [scene for scene in SCENES if scene.name == "best_customers"]
        best = self.viewer.see(scene, self.viewer.find_supplier()[0])
        everybody = [row["customer_id"] for row in best]
        people = [row["customer_id"] for row in best if row["kind"] == "person"] or everybody
        return self.viewer.find_well_known([one for one in people if is_told_of(one)] or people)

    def look(self, customer_id: UUID) -> Sight:
        with self.timed("look"):
            supplier_id, supplier = self.viewer.find_supplier()
            scenes = {scene.name: self.viewer.see(scene, supplier_id) for scene in SCENES}
            midsummer = datetime(self.simulation.year, 6, 30, 22, tzinfo=UTC)
            by_summer = len(self.history(customer_id, Horizon(as_of=midsummer)))
            return Sight(scenes, supplier, self.history(customer_id, Horizon()), by_summer)

    def history(self, customer_id: UUID, horizon: Horizon) -> Sequence[Event]:
        return read_history(customer_id, self.installation.ledger, self.installation.identities, horizon)

    def open(self, events: Sequence[Event]) -> Sequence[Mapping[str, object]]:
        """The facts as the auditor may read them."""
        contents = [event.fact.model_dump(exclude_none=True) for event in events]
        return self.viewer.as_role(Role.AUDITOR).open_within(contents)

    def erase(self, customer_id: UUID) -> None:
        with self.timed("erase"):
            self.order(ErasePerson(customer_id=CustomerId(customer_id)), f"erasure {customer_id}")
            self.installation.eraser.run_once()

    @property
    def evening(self) -> datetime:
        """Of the year's last day, so that the ledger's content is the same whenever this is played."""
        return self.viewer.night - timedelta(hours=1)

    def order(self, command: Command, what: str) -> None:
        """On that evening; `what` tells commands apart."""
        command_id = self.seeded_id(what)
        self.installation.executor.execute(command, Context(command_id, "demo", occurred_at=self.evening))

    def seeded_id(self, what: str) -> UUID:
        return SeededIds(what).next(int(self.evening.timestamp() * 1000))

    def prove(self, tell: Tell) -> tuple[Checkpoint, AuditReport]:
        """Signs the ledger's head, opens the signed note, and audits every row."""
        with self.timed("prove"):
            note = self.installation.checkpointer.cover_all().note
            assert note is not None
            store, verifier = self.installation.checkpoints, self.installation.checkpointer.verifier
            return open_note(note, verifier), audit_ledger(store, store, verifier, tell)

    @contextmanager
    def timed(self, act: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[act] += time.monotonic() - began
