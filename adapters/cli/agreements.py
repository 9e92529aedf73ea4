"""The agreements that whoever asks on the command line sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.cli.installation import Deployment, Installation
from adapters.cli.listing import rows_of


def agreements_of(deployment: Deployment, installation: Installation) -> Iterator[Mapping[str, Any]]:
    """Those that the role sees."""
    return rows_of(deployment, installation, "agreements")
