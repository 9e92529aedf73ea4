"""What the queues have done, until it is written: all of it together, several times a second."""

from __future__ import annotations

from uuid import UUID

from streams.webhooks.desk import Attempt, Noted, Standing, Step


class Journal:
    """From one event loop only. What a crash takes from it is sent again, under the same ids."""

    def __init__(self, position: int) -> None:
        self.position = self._written = position
        self._standings: dict[UUID, Standing] = {}
        self._removed: set[UUID] = set()
        self._attempts: list[Attempt] = []
        self._steps: dict[int, Step] = {}

    @property
    def written(self) -> int:
        """The position that was written last."""
        return self._written

    def stand(self, standing: Standing) -> None:
        self._standings[standing.endpoint_id] = standing

    def attempted(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)

    def step(self, step: Step) -> None:
        self._steps[step.number] = step

    def remove(self, endpoint_id: UUID) -> None:
        self._standings.pop(endpoint_id, None)
        self._removed.add(endpoint_id)

    def take(self) -> Noted | None:
        """What is to be written now; None for nothing."""
        if not (self._standings or self._removed or self._attempts or self._steps or self.position != self._written):
            return None
        noted = Noted(self.position, [*self._standings.values()], {*self._removed}, self._attempts,
                      [*self._steps.values()])  # fmt: skip
        self._written, self._attempts = self.position, []
        for kept in (self._standings, self._removed, self._steps):
            kept.clear()
        return noted
