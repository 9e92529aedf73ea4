"""What an import did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field


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
