"""What the domain needs of the world, as small Protocols."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from domain.errors import FactTooLargeError, RefusedError, RelatoError
from domain.event import Event
from domain.fact import Fact
from domain.personal import Erased, Sealed, Secret

LARGEST_FACT = 256 * 1024  # bytes: below Kafka's limit, so that no fact can block the relay


class StaleError(RelatoError):
    """A stream has moved on since it was read; nothing was written."""


class KnownError(RelatoError):
    """A command of the append is in the ledger already; nothing was written."""


class NewFact:
    """A fact on its way into a stream, with the bytes that are stored; the ledger gives it its version and its place.

    FactTooLargeError when they are over 256 KiB.
    """

    __slots__ = ("data", "fact", "stream_id", "subject_id")

    def __init__(self, stream_id: UUID, subject_id: UUID, fact: Fact) -> None:
        self.stream_id, self.subject_id, self.fact = stream_id, subject_id, fact
        self.data = fact.encode()
        if len(self.data) > LARGEST_FACT:
            raise FactTooLargeError(type=fact.TYPE)


class Write(NamedTuple):
    """What one command writes, and who gave it when."""

    command_id: UUID
    fingerprint: bytes
    correlation_id: UUID
    causation_id: UUID
    actor: str
    origin: str
    occurred_at: datetime
    facts: Sequence[NewFact]


class Append(NamedTuple):
    """All of it or nothing: writes, the versions of the streams written, and of those only relied on (guards)."""

    writes: Sequence[Write]
    expected: Mapping[UUID, int]
    guards: Mapping[UUID, int] = MappingProxyType({})


class Place(NamedTuple):
    """Where a fact was put."""

    position: int
    partition: int
    partition_seq: int


class Found(NamedTuple):
    """A command that the ledger holds: its fingerprint, the places of its facts, and how far it took which streams."""

    fingerprint: bytes
    places: Sequence[Place]
    versions: Mapping[UUID, int]


class Ledger(Protocol):
    """The one append-only order of facts. Every call may raise UnavailableError."""

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        """Raises StaleError, KnownError, OutcomeUnknownError past the deadline."""

    def submit(
        self, append: Append, notify: Callable[[], None], *, timeout_s: float = 30.0
    ) -> Callable[[], Sequence[Place]]:
        """As `append`, for who doesn't wait: what is returned answers or raises once `notify` was called.

        That is in a thread of the ledger's: be brief. What follows here is for a ledger that answers at once.
        """
        done = Future[Sequence[Place]]()
        try:
            done.set_result(self.append(append, timeout_s=timeout_s))
        except RelatoError as error:
            done.set_exception(error)
        notify()
        return done.result

    def load(self, stream_ids: Sequence[UUID]) -> Sequence[Event]:
        """All facts of these streams, each stream's in its order."""

    def find_commands(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Found]: ...


class By(NamedTuple):
    """What was recorded, and had occurred, by then; without a time, all."""

    known_at: datetime | None = None
    as_of: datetime | None = None


class EventLog(Protocol):
    """The ledger as its readers see it."""

    def read(self, after: int, limit: int) -> Sequence[Event]:
        """By position, the first one after `after`."""

    def read_partition(self, partition: int, after: int, limit: int) -> Sequence[Event]:
        """By partition_seq within a partition."""

    def read_subject(self, subject_id: UUID, after: int, limit: int) -> Sequence[Event]:
        """By subject_seq within a subject."""

    def select_subject(
        self, subject_id: UUID, after: int, limit: int, types: Collection[str] | None, by: By
    ) -> Sequence[Event]:
        """As `read_subject`, of these types if any are named, and of what was recorded and true by then."""

    def count_others(self, subject_id: UUID, types: Collection[str], by: By) -> int:
        """How many facts of other types than these, of what was recorded and true by then."""

    def last_position(self) -> int: ...

    def partition_heads(self) -> Mapping[int, int]:
        """The last partition_seq of each partition that has facts."""


class Vault(Protocol):
    """Seals and opens personal data, and keeps the installation's secret."""

    def seal(self, secrets: Sequence[Secret]) -> Sequence[Sealed | RefusedError]:
        """Sealed values in the order given; those of an erased person, or too large, are answered with the error."""

    def seal_at_once(self, secrets: Sequence[Secret]) -> Sequence[Sealed | RefusedError] | None:
        """As `seal`, but none where something would have to be read or kept for it."""

    def open(self, values: Sequence[Sealed]) -> Sequence[Any | Erased]: ...

    def fingerprint(self, content: bytes) -> bytes:
        """16 bytes, keyed: equal for equal content, meaningless outside this installation."""

    def derive_id(self, namespace: str, natural_key: str) -> UUID:
        """The id of a natural key, the same each time, and not computable outside this installation."""
