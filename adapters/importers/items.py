"""What becomes of rows: a command with its context, or a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from adapters.importers.rows import Row, RowError
from domain.decider import Command
from domain.execute import Context

if TYPE_CHECKING:
    from adapters.importers.recipes import Recipe


class Item:
    """What one rule makes of one row, or of a group of rows: `order` is empty when there is a `refusal`."""

    __slots__ = ("amendable", "identity", "order", "recipe", "refusal", "rows")

    def __init__(
        self,
        recipe: Recipe | None,
        rows: Iterable[Row],
        identity: str = "",
        *,
        order: tuple[Command, Context] | None = None,
        refusal: RowError | None = None,
        amendable: bool = True,
    ) -> None:
        self.recipe, self.rows, self.identity = recipe, rows, identity
        self.order, self.refusal, self.amendable = order, refusal, amendable

    @property
    def rule(self) -> str:
        """The rule's name; `*` for a row that no rule could read."""
        return self.recipe.name if self.recipe else "*"

    @property
    def shown_identity(self) -> str:
        return show_identity(self.identity)


def show_identity(identity: str) -> str:
    return identity.replace("\0", " | ")
