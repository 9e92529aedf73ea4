"""What the API needs of an installation; the composition root provides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from adapters.http.principal import Authenticate, Principal
from adapters.http.workers import Workers
from domain.execute import Executor
from domain.ports import EventLog, Vault
from projections.asking import Condition, Order
from projections.disclosure import Disclosure, Grant
from projections.history import Identities
from projections.view import View


class Pages(Protocol):
    """Read models, page by page. Raises InvalidError for a filter that does not fit, UnavailableError."""

    def read(
        self,
        service: str,
        view: View,
        conditions: Sequence[Condition] = (),
        order: Order = (),
        *,
        after: Sequence[str | None] | None = None,
        limit: int,
        customer_id: UUID | None = None,
    ) -> Sequence[tuple[Any, ...]]: ...

    def count_behind(self, service: str, places: Mapping[int, int]) -> int:
        """How many bookmarks of the service's live read models are not at these places yet."""


class Limits:
    """Where the API stops; settings may say otherwise."""

    body_bytes = 32 * 1024 * 1024  # a value may have 16 MiB, and JSON escapes it
    body_s = 20.0
    command_s = 10.0
    fold_s = 2.0  # how long a read waits for what its token names
    batch = 1_000


@dataclass(frozen=True)
class Parts:
    """`disclosure` opens sealed values for somebody, as far as the grant goes: no value leaves by another way.

    `faults`: what is missing for requests to be served, asked by /health/ready.
    """

    executor: Executor
    vault: Vault
    log: EventLog
    identities: Identities
    pages: Pages
    disclosure: Callable[[Principal, Grant], Disclosure]
    authenticate: Authenticate
    workers: Workers
    faults: Callable[[], Sequence[str]]
    limits: Limits = field(default_factory=Limits)
    cors_origins: Sequence[str] = ()
    version: str = "0"
