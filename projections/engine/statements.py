"""SQL files: statements with a name each, `-- name: what` and then, if need be, a line of intent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: *(\S+).*$", re.MULTILINE)


@cache
def read_statements(path: Path) -> Mapping[str, str]:
    """The named sections of a file, without their first line; what stands before the first is left out."""
    _, *parts = _NAME.split(path.read_text())
    return {name: text.strip().rstrip(";") for name, text in zip(parts[::2], parts[1::2], strict=True)}
