"""A mapping file as it is written: files, look-ups, and rules that say which rows become which command."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from adapters.importers.forms import Closed, Condition, Expression, Expressions


class CsvSettings(Closed):
    """How a text file is cut into columns; `whitespace` as delimiter means any run of blanks."""

    delimiter: str = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: str = "utf-8-sig"
    header: bool = True
    skip_lines: Annotated[int, Field(ge=0)] = 0
    columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _known_columns(self) -> CsvSettings:
        if not self.header and not self.columns:
            raise ValueError("without a header the columns must be named")
        if self.delimiter != "whitespace" and len(self.delimiter) != 1:
            raise ValueError("the delimiter is one character, or whitespace")
        return self


class File(Closed):
    """A file of the export. `group_by` names the columns whose equal values bind rows together."""

    path: str = "*"
    csv: CsvSettings = CsvSettings()
    group_by: tuple[str, ...] = ()
    identical: tuple[Expression, ...] = ()
    identity: tuple[Expression, ...] = ()


class LookupTable(Closed):
    """Rows of a small file, by key."""

    file: str
    key: Expressions


class Rule(Closed):
    """Which rows become which command, when, and with what in its fields."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    file: str | None = None
    command: str
    where: Condition | None = None
    per: Literal["row", "key", "group", "file"] = "row"
    key: tuple[Expression, ...] = ()
    prefer: Condition | None = None
    identity: tuple[Expression, ...] = ()
    at: Expression | None = None
    amend: tuple[str, ...] | None = None
    fields: dict[str, Expression]

    @model_validator(mode="after")
    def _key_for_key(self) -> Rule:
        if (self.per == "key") != bool(self.key):
            raise ValueError('`key` and per = "key" belong together')
        if self.prefer is not None and self.per != "key":
            raise ValueError('`prefer` chooses among the rows of a key: it needs per = "key"')
        return self


class MappingFile(Closed):
    """A whole mapping. `source` names where the rows come from: command ids are derived under it, for ever."""

    language: Literal[1]
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: str
    time_zone: str = "UTC"
    maps: dict[str, dict[str, str]] = Field(default_factory=dict)
    files: Annotated[dict[str, File], Field(min_length=1)]
    lookups: dict[str, LookupTable] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _known_files(self) -> MappingFile:
        named = {name for rule in self.rules if (name := rule.file)} | {table.file for table in self.lookups.values()}
        if unknown := sorted(named - set(self.files)):
            raise ValueError(f"no such file is declared: {', '.join(unknown)}")
        if len(self.files) > 1 and any(rule.file is None for rule in self.rules):
            raise ValueError("with several files each rule names its file")
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules have the name {', '.join(twice)}")
        return self

    def rules_of(self, file: str) -> list[Rule]:
        return [rule for rule in self.rules if rule.file in {file, None}]
