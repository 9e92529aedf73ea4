"""Compiles a mapping against a file's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.importers.archives import Source
from adapters.importers.errors import MemberMissingError, TooLargeError
from adapters.importers.forms import Column
from adapters.importers.groups import Gatherer, count_runs
from adapters.importers.language import LookupTable, MappingFile, Rule
from adapters.importers.mapping import Commands
from adapters.importers.plan import FileStep, KeyStep, Plan, RowStep
from adapters.importers.reading import read
from adapters.importers.recipes import Recipe
from adapters.importers.scope import DeriveId, Scope, Table
from adapters.importers.times import zone_named
from adapters.importers.values import CompiledKey, compile_key, compile_test

LARGEST_TABLE = 500_000


@dataclass
class Compiler:
    """What all files of a mapping share."""

    mapping: MappingFile
    commands: Mapping[str, Commands]
    derive_id: DeriveId
    actor: str
    tables: dict[str, Table] = field(default_factory=dict)

    def load_tables(self, inputs: Mapping[str, Source]) -> None:
        """Reads the files that things are looked up in; they are small."""
        for name, table in self.mapping.lookups.items():
            if table.file not in inputs:
                raise MemberMissingError(lookup=name, wanted=table.file, there=", ".join(inputs))
            self.tables[name] = self._load(table, inputs[table.file])

    def _load(self, table: LookupTable, source: Source) -> Table:
        with read(source, self.mapping.files[table.file].csv) as reading:
            scope = self._scope(source.name, reading.columns)
            key = compile_key(table.key, scope)
            scope.require_columns()
            loaded = Table({column: n for n, column in enumerate(reading.columns)}, {})
            for row in reading.rows:
                if row.flaw is None and (found := key(row)) is not None:
                    loaded.rows.setdefault(found, row)
                if len(loaded.rows) > LARGEST_TABLE:
                    raise TooLargeError(file=source.name, rows=LARGEST_TABLE)
        return loaded

    def find_returning(self, name: str, source: Source) -> dict[str, int]:
        """A first reading, for the keys whose rows do not stand together."""
        if not self.mapping.files[name].group_by:
            return {}
        with read(source, self.mapping.files[name].csv) as reading:
            scope = self._scope(source.name, reading.columns)
            key = self._group_key(name, scope)
            scope.require_columns()
            return count_runs(reading.rows, key)

    def compile_plan(self, name: str, file_name: str, columns: Sequence[str], returning: Mapping[str, int]) -> Plan:
        """Raises ColumnsMissingError, naming all that the mapping wants and the file lacks."""
        file, rules, scope = self.mapping.files[name], self.mapping.rules_of(name), self._scope(file_name, columns)
        steps = [self._step(rule, name, scope) for rule in rules if rule.per != "group"]
        grouped = [self._recipe(rule, name, scope) for rule in rules if rule.per == "group"]
        gatherer = Gatherer(self._group_key(name, scope), returning) if file.group_by else None
        identical = compile_key(file.identical, scope) if file.identical else None
        scope.require_columns()
        return Plan(steps, grouped, identical, gatherer)

    def _step(self, rule: Rule, name: str, scope: Scope) -> RowStep:
        recipe = self._recipe(rule, name, scope)
        match rule.per:
            case "key":
                prefer = compile_test(rule.prefer, scope) if rule.prefer else None
                return KeyStep(recipe, compile_key(rule.key, scope), prefer)
            case "file":
                return FileStep(recipe)
            case _:
                return RowStep(recipe)

    def _recipe(self, rule: Rule, name: str, scope: Scope) -> Recipe:
        file, commands = self.mapping.files[name], self.commands[rule.name]
        return Recipe(rule, file, commands, scope, source=self.mapping.source, actor=self.actor)

    def _group_key(self, name: str, scope: Scope) -> CompiledKey:
        return compile_key([Column(column=column) for column in self.mapping.files[name].group_by], scope)

    def _scope(self, file_name: str, columns: Sequence[str]) -> Scope:
        zone = zone_named(self.mapping.time_zone)
        return Scope(file_name, columns, zone, self.derive_id, self.mapping.maps, self.tables)
