"""A rule, compiled: whether it is for a row, and the command it makes of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from adapters.importers.forms import Column, Expression
from adapters.importers.items import Item, show_identity
from adapters.importers.language import File, Rule
from adapters.importers.mapping import Commands
from adapters.importers.rows import Row, RowError, Test, Value
from adapters.importers.scope import Scope
from adapters.importers.times import time_reader
from adapters.importers.values import compile_fields, compile_key, compile_test, compile_value
from domain.decider import Command
from domain.event import Origin
from domain.execute import Context


class Recipe:
    """Makes items of rows. A command's id comes from its source, its rule and its row's identity, never its content."""

    def __init__(self, rule: Rule, file: File, commands: Commands, scope: Scope, *, source: str, actor: str) -> None:
        scope.grouped, scope.counted = rule.per == "group", bool(file.identical)
        self.name, self.command, self.amends = rule.name, commands.command, commands.amends
        self.namespace = f"import:{source}:{rule.name}"
        self._actor, self._derive_id = actor, scope.derive_id
        validator = commands.command.__pydantic_validator__
        self._validate, self._validate_json = validator.validate_python, validator.validate_json
        self.applies: Test = compile_test(rule.where, scope) if rule.where else _always
        self._fields = compile_fields(rule.fields, scope)
        self._identity = _compile_identity(rule, file, scope)
        self._at = _compile_time(rule.at, scope)

    def make(self, row: Row, rows: list[Row] | None = None) -> Item:
        """The item of a row, or of a group's rows by its first."""
        rows = rows or [row]
        identity, mended = "", False
        try:
            if row.identity is not None or not (identity := self._identity(row) or ""):
                row, identity, mended = self._identify(row)
            command: Command = self._validate(self._fields(row))
            context = self._context(self._derive_id(self.namespace, identity), self._at(row))
        except RowError as error:
            return Item(self, rows, identity, refusal=error)
        except ValidationError as error:
            return Item(self, rows, identity, refusal=refusal_of(error))
        return Item(self, rows, identity, order=(command, context), amendable=not mended)

    def order_again(
        self, content: bytes, fingerprint: bytes, command_id: UUID, at: datetime | None
    ) -> tuple[Command, Context]:
        """What another process made. ValidationError where the JSON does not say it all."""
        return self._validate_json(content), self._context(command_id, at, fingerprint)

    def _context(self, command_id: UUID, at: datetime | None, fingerprint: bytes | None = None) -> Context:
        return Context(command_id, self._actor, Origin.IMPORT, at, fingerprint=fingerprint)

    def _identify(self, row: Row) -> tuple[Row, str, bool]:
        """The row with its identity, and whether it was mended into another one: then it counts as a row of its own."""
        identity = self._identity(row)
        if identity is None:
            raise RowError("a part of its identity is blank", field="identity")
        if row.identity is None or row.identity == show_identity(identity):
            return row, identity, False
        row = copy(row)  # what was computed of it holds no more
        row.repeat = f"mended {row.number}"
        return row, self._identity(row) or identity, True


def _always(_: Row) -> bool:
    return True


def _compile_identity(rule: Rule, file: File, scope: Scope) -> Callable[[Row], str | None]:
    match rule.per:
        case "file":
            return lambda _: rule.name
        case "group" if not rule.identity:
            return compile_key([Column(column=name) for name in file.group_by], scope)
        case "key" if not rule.identity:
            return compile_key(rule.key, scope)
        case _:
            return compile_key(rule.identity or file.identity, scope)


def _compile_time(at: Expression | None, scope: Scope) -> Callable[[Row], datetime | None]:
    if at is None:
        return lambda _: None
    value: Value = compile_value(at, scope)
    read = time_reader("iso", scope.time_zone, wall_clock=False)

    def moment(row: Row) -> datetime:
        try:
            found = value(row)
        except RowError as error:
            raise error.within("at") from None
        if found is None:
            raise RowError("is missing; say with first_of what stands for it", field="at")
        return read(found)

    return moment


def refusal_of(error: ValidationError) -> RowError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return RowError(first["msg"], field=field)
