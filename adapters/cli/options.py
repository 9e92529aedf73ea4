"""The options that stand before every command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # help must not wait for PostgreSQL's client to load
    from adapters.cli.installation import Deployment


class Asked(NamedTuple):
    """None leaves it to the environment, or to the default."""

    home: Path | None = None
    database: str | None = None
    principal: str | None = None
    role: str | None = None
    scope: str | None = None


Open = Callable[[Asked], "Deployment"]
