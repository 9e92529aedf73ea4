"""What an import did."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

FIGURES = ("done", "amended", "unchanged", "rejected", "erased", "merged", "facts")


@dataclass(slots=True)
class RuleReport:
    """One rule's commands: `done` were new, `unchanged` were known or changed nothing."""

    command: str
    done: int = 0
    amended: int = 0
    unchanged: int = 0
    rejected: int = 0
    erased: int = 0
    merged: int = 0
    facts: int = 0

    @property
    def commands(self) -> int:
        return self.done + self.amended + self.unchanged + self.rejected + self.erased + self.merged


class FileReport(BaseModel):
    """One file's rows; `started_at_row` is where an earlier run had come to."""

    file: str
    rows: int = 0
    started_at_row: int = 0
    finished: bool = False
    nothing_to_do: bool = False
    rules: dict[str, RuleReport] = Field(default_factory=dict)
    unreadable: int = 0
    reasons: Counter[str] = Field(default_factory=Counter)
    rejects: Path | None = None

    @property
    def verdicts(self) -> tuple[int, int]:
        """How many commands were accepted, and how many and rows were not, so far."""
        rules = list(self.rules.values())  # another thread may be adding one
        refused = sum(rule.rejected + rule.erased + rule.merged for rule in rules)
        return sum(rule.commands for rule in rules) - refused, refused + self.unreadable


class ImportReport(BaseModel):
    """The whole run. Dry: nothing was appended, the figures say what would have been."""

    source: str
    dry_run: bool = False
    interrupted: bool = False
    seconds: float = 0.0
    files: list[FileReport] = Field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(file.rows - file.started_at_row for file in self.files)

    @property
    def rows_per_s(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def finished(self) -> bool:
        return all(file.finished for file in self.files) and not self.interrupted

    @property
    def nothing_to_do(self) -> bool:
        return all(file.nothing_to_do for file in self.files)

    def total(self, figure: str) -> int:
        """The sum of one of RuleReport's figures."""
        return sum(getattr(rule, figure) for file in self.files for rule in file.rules.values())

    @property
    def rejected(self) -> int:
        return self.total("rejected") + sum(file.unreadable for file in self.files)

    def to_json(self) -> str:
        """Everything, with the sums that the properties give."""
        figures = {figure: self.total(figure) for figure in FIGURES} | {"rejected": self.rejected}
        more = {"rows": self.rows, "rows_per_s": round(self.rows_per_s), "finished": self.finished, "total": figures}
        return json.dumps(more | self.model_dump(mode="json"), ensure_ascii=False)

    def summary(self) -> list[str]:
        """For humans, a line each: the files, the sums, what was rejected and why, how to go on."""
        lines = [line for file in self.files for line in _lines_of(file)]
        sums = ", ".join(
            f"{self.total(figure):,} {figure}" for figure in FIGURES if figure not in {"rejected", "facts"}
        )
        lines.append(f"{self.rows:,} rows in {self.seconds:,.1f} s, {self.rows_per_s:,.0f} rows/s: {sums}")
        lines.append(f"{self.total('facts'):,} facts, {self.rejected:,} rejected")
        if self.dry_run:
            lines.append("a dry run: nothing of this was done")
        if self.interrupted:
            lines.append("stopped before the end; the same command goes on from here")
        return lines


def _lines_of(file: FileReport) -> list[str]:
    if file.nothing_to_do:
        return [f"{file.file}: imported before; nothing to do (--again goes through it once more)"]
    resumed = f", gone on from row {file.started_at_row:,}" if file.started_at_row else ""
    lines = [f"{file.file}: {file.rows:,} rows{resumed}"]
    lines += [f"  rejected {times:,} x {reason}" for reason, times in file.reasons.most_common(20)]
    if file.rejects is not None:
        lines.append(f"  mend {file.rejects} and import it by the same mapping")
    return lines
