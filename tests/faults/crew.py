"""Who works in the installation: those who write, and those who follow the ledger."""

from __future__ import annotations

from tests.faults.system import Part, System
from tests.faults.telling import Acknowledged, read_acknowledged

YEAR = ("simulate", "--customers", "70", "--events", "1600", "--json")  # in two portions


class Teller:
    """Commands one by one, with known ids."""

    def __init__(self, system: System, seed: int) -> None:
        self.acknowledgements = system.folder / f"acknowledged-{seed}"
        place = (str(system.home), system.database, str(seed), str(self.acknowledgements))
        self.part = system.program(f"teller {seed}", "tests.faults.telling", *place)

    def start(self) -> None:
        self.part.start()

    def stop(self) -> None:
        self.part.require_running()
        assert self.part.end_input() == 0

    @property
    def acknowledged(self) -> Acknowledged:
        return read_acknowledged(self.acknowledgements)


class Years:
    """A year of another company after the other, each by a command of its own."""

    def __init__(self, system: System) -> None:
        self._system, self.count = system, 0
        self.importer = self._next()

    def _next(self) -> Part:
        self.count += 1
        return self._system.part(f"importer {self.count}", *YEAR, "--seed", str(self.count))

    def start(self) -> None:
        self.importer.start()

    def keep_on(self) -> None:
        """The next year when one is done; the same again when it was cut off."""
        if (status := self.importer.status) is None:
            return
        if status == 0:
            self.importer = self._next()
        self.importer.start()

    def finish(self) -> None:
        while self.importer.await_end() != 0:
            self.importer.start()


class Crew:
    """The parts that follow the ledger."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.parts = {
            "relay": system.part("relay", "run", "relay"),
            "folds from Kafka": system.part("folds from Kafka", "run", "folds"),
            "folds from the ledger": system.part("folds from the ledger", "run", "folds", kafka=False),
            "actors": system.part("actors", "run", "actors"),
        }

    def start(self, *names: str) -> None:
        for name in names or self.parts:
            self.parts[name].start()

    def revive(self, *names: str) -> bool:
        """Starts those again that have ended, as their supervisor does."""
        for name in names or self.parts:
            if self.parts[name].status is not None:
                self.parts[name].start()
        return True

    def require_running(self) -> None:
        for part in self.parts.values():
            part.require_running()

    def stop(self, *names: str) -> None:
        parts = [self.parts[name] for name in names or self.parts]
        self._system.await_true(lambda: all(part.has_begun for part in parts))
        assert {part.name: part.stop() for part in parts} == {part.name: 0 for part in parts}
