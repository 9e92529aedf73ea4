"""A file's rules at work on its rows, in the order of the mapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.importers.groups import Gatherer, Group, Key
from adapters.importers.items import Item
from adapters.importers.recipes import Recipe
from adapters.importers.rows import Row, RowError, Test
from adapters.importers.tally import Tally
from adapters.importers.values import CompiledKey


class RowStep:
    """A command for each row that fits."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def take(self, row: Row, *, live: bool) -> Item | None:
        return self.recipe.make(row) if live and self.recipe.applies(row) else None

    def finish(self) -> Iterator[Item]:
        return iter(())


class FileStep(RowStep):
    """One command, when the first row comes."""

    _done = False

    def take(self, row: Row, *, live: bool) -> Item | None:
        if self._done:
            return None
        self._done = True
        return self.recipe.make(row) if live else None


class KeyStep(RowStep):
    """A command for the first row of each key; with `prefer` for the first preferred one, at the end for the others."""

    def __init__(self, recipe: Recipe, key: CompiledKey, prefer: Test | None) -> None:
        super().__init__(recipe)
        self._key, self._prefer, self._seen = key, prefer, Tally()
        self._waiting: dict[str, Row] = {}

    def take(self, row: Row, *, live: bool) -> Item | None:
        if not self.recipe.applies(row) or (key := self._key(row)) is None:
            return None
        first = self._seen.count(key) == 1
        if self._prefer is None:
            return self.recipe.make(row) if first and live else None
        if not first and key not in self._waiting:
            return None
        if self._prefer(row):
            self._waiting.pop(key, None)
            return self.recipe.make(row) if live else None
        if first:
            self._waiting[key] = row
        return None

    def finish(self) -> Iterator[Item]:
        self._seen.close()
        return map(self.recipe.make, self._waiting.values())


class Plan:
    """Turns rows into items. While not `live`, rows are only remembered: their items were settled in an earlier run."""

    def __init__(
        self,
        steps: Sequence[RowStep],
        group_recipes: Sequence[Recipe],
        identical: Key | None,
        gatherer: Gatherer | None,
    ) -> None:
        self._steps, self._group_recipes = steps, group_recipes
        self._identical, self._gatherer = identical, gatherer
        self._tally = Tally()

    @property
    def recipes(self) -> list[Recipe]:
        """In an order that is the same wherever the same mapping is compiled."""
        return [*(step.recipe for step in self._steps), *self._group_recipes]

    def take(self, row: Row, *, live: bool) -> list[Item]:
        items: list[Item] = []
        if self._gatherer and (group := self._gatherer.take(row)) and live:
            items += self._of_group(group)
        if (flaw := self._flaw_of(row)) is not None:
            items.append(Item(None, [row], refusal=flaw))
        else:
            self._take_row(row, items, live=live)
        return items if live else []

    def finish(self) -> Iterator[Item]:
        """What was waiting for the end of the file."""
        if self._gatherer:
            for group in self._gatherer.finish():
                yield from self._of_group(group)
        for step in self._steps:
            yield from step.finish()
        self._tally.close()

    def _flaw_of(self, row: Row) -> RowError | None:
        """Why the row cannot be read; one that can is counted among those identical to it."""
        if row.flaw:
            return RowError(row.flaw)
        try:
            if self._identical and row.identity is None:
                row.repeat = self._tally.count(self._identical(row) or "")
        except RowError as error:
            return error
        return None

    def _take_row(self, row: Row, items: list[Item], *, live: bool) -> None:
        for step in self._steps:
            if row.only_rule is None or row.only_rule == step.recipe.name:
                try:
                    if (item := step.take(row, live=live)) is not None:
                        items.append(item)
                except RowError as error:
                    items.append(Item(step.recipe, [row], refusal=error))

    def _of_group(self, group: Group) -> Iterator[Item]:
        for recipe in self._group_recipes:
            rows = [row for row in group.rows if row.only_rule is None or row.only_rule == recipe.name]
            if rows and group.flaw:
                yield Item(recipe, rows, refusal=RowError(group.flaw))
            elif rows:
                rows[0].group = rows
                try:
                    if recipe.applies(rows[0]):
                        yield recipe.make(rows[0], rows)
                except RowError as error:
                    yield Item(recipe, rows, refusal=error)
