"""Executes a chunk of items and enters the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from adapters.importers.amend import Amender, CommandLookup, Verdict, is_known
from adapters.importers.items import Item
from adapters.importers.rejects import ERASED, RejectsFile
from adapters.importers.report import FileReport, RuleReport
from adapters.importers.rows import RowError
from domain.errors import ErasedError, MergedError, RefusedError
from domain.execute import Batch, Draft, Executor, Outcome
from domain.ports import Vault


class Chunk(NamedTuple):
    """Items on their way: those that are orders, and what they were decided to come to."""

    items: Sequence[Item]
    ready: Sequence[Item]
    draft: Draft


class Settled(NamedTuple):
    """Items that came through: what became of the orders, and of those that were amended instead."""

    items: Sequence[Item]
    verdicts: Mapping[Item, Verdict]
    amended: Mapping[Item, Verdict]

    def enter(self, report: FileReport, rejects: RejectsFile) -> None:
        for item in self.items:
            _enter(item, self.verdicts.get(item), self.amended.get(item), report, rejects)
        rejects.flush()


class Settler:
    """One chunk after the other, each in one append. A refused item stops nothing but itself."""

    def __init__(self, executor: Executor, ledger: CommandLookup, vault: Vault) -> None:
        self._executor = executor
        self._amender = Amender(self.execute, ledger, vault.derive_id)

    def decide(self, items: Sequence[Item], before: Chunk | None) -> Chunk:
        """May be asked for while the chunk before is being appended."""
        ready = [item for item in items if item.order is not None]
        return Chunk(items, ready, self._executor.decide_all(_orders(ready), before and before.draft))

    def append(self, chunk: Chunk) -> Callable[[], Settled]:
        """Begins to; what is returned waits for it. The chunk before must have been waited for."""
        try:
            verdicts = self._executor.submit_all(chunk.draft)
        except RefusedError as error:
            verdicts = partial(self._halve, _orders(chunk.ready), error)
        return lambda: self._settle(chunk, verdicts)

    def _settle(self, chunk: Chunk, appended: Callable[[], Sequence[Verdict]]) -> Settled:
        try:
            verdicts = dict(zip(chunk.ready, appended(), strict=True))
        except RefusedError as error:
            verdicts = dict(zip(chunk.ready, self._halve(_orders(chunk.ready), error), strict=True))
        known = [(item, v) for item, v in verdicts.items() if is_known(v) and item.amendable and _amends(item)]
        return Settled(chunk.items, verdicts, self._amender.settle(known) if known else {})

    def execute(self, batch: Batch) -> Sequence[Verdict]:
        if not batch:
            return []
        try:
            return self._executor.execute_all(batch)
        except RefusedError as error:
            return self._halve(batch, error)

    def _halve(self, batch: Batch, error: RefusedError) -> Sequence[Verdict]:
        """What the ledger refuses as a whole (a fact too large) is halved until the one at fault stands alone."""
        if len(batch) == 1:
            return [error]
        half = len(batch) // 2
        return [*self.execute(batch[:half]), *self.execute(batch[half:])]


def _orders(ready: Sequence[Item]) -> Batch:
    return [item.order for item in ready if item.order is not None]


def _amends(item: Item) -> bool:
    return item.recipe is not None and bool(item.recipe.amends)


def _enter(
    item: Item, verdict: Verdict | None, amended: Verdict | None, report: FileReport, rejects: RejectsFile
) -> None:
    if item.recipe is None:
        report.unreadable += 1
        _reject(item, item.refusal, "rejected", report, rejects)
        return
    if (rule := report.rules.get(item.rule)) is None:
        rule = report.rules[item.rule] = RuleReport(command=item.recipe.command.NAME)
    last = verdict if amended is None else amended
    if isinstance(last, Outcome):
        _count(last, rule, amended=amended is not None)
    elif isinstance(last, ErasedError):
        rule.erased += 1
        _reject(item, last, ERASED, report, rejects)
    elif isinstance(last, MergedError):
        rule.merged += 1
        _reject(item, last, "merged", report, rejects)
    else:
        rule.rejected += 1
        _reject(item, last or item.refusal, "rejected", report, rejects)


def _count(outcome: Outcome, rule: RuleReport, *, amended: bool) -> None:
    facts = 0 if outcome.repeated else len(outcome.places)
    rule.facts += facts
    if not facts:
        rule.unchanged += 1
    elif amended:
        rule.amended += 1
    else:
        rule.done += 1


def _reject(
    item: Item, error: RowError | RefusedError | None, verdict: str, report: FileReport, rejects: RejectsFile
) -> None:
    assert error is not None
    kind = error.reason if isinstance(error, RowError) else str(error).partition(": ")[0]
    report.reasons[f"{item.rule}: {kind}"] += 1
    rejects.add(item, verdict, str(error))
