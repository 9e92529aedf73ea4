"""What the webhooks' worker needs of the world, as small Protocols."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, ParamSpec, Protocol, TypeVar
from uuid import UUID

from domain.endpoint.decider import Endpoint
from domain.event import Event
from streams.feeds.delivery import FeedPage
from streams.relay import Page
from streams.webhooks.messages import Message
from streams.webhooks.schedule import WELL, Answer, Draw, Health

P = ParamSpec("P")
R = TypeVar("R")


TAKEN, NOT_TAKEN = "taken", "not taken"  # how the outcome of an errand begins


class Kind(StrEnum):
    """Why a message was sent."""

    ENTRY = "entry"
    RESEND = "resend"
    PING = "ping"


class Standing(NamedTuple):
    """How far delivery to an endpoint has come: the last number that it took, and how it does.

    What it `lacks` keeps us from signing its messages; it waits until that is there.
    """

    endpoint_id: UUID
    feed: UUID
    taken: int
    sends: bool = True
    health: Health = WELL
    lacks: str = ""


class Attempt(NamedTuple):
    """A line of the delivery log."""

    endpoint_id: UUID
    at: datetime
    kind: Kind
    feed_seq: int | None
    answer: Answer


class Errand(NamedTuple):
    """Somebody's wish, beside the queue: these numbers once more, or with none a ping."""

    number: int
    endpoint_id: UUID
    first: int | None = None
    last: int | None = None


class Step(NamedTuple):
    """How far an errand has come: its next number; with an `outcome` it is done."""

    number: int
    following: int | None
    outcome: str = ""


class Noted(NamedTuple):
    """What is remembered together; `position` is how far the ledger was read for facts about endpoints."""

    position: int
    standings: Collection[Standing] = ()
    removed: Collection[UUID] = ()
    attempts: Sequence[Attempt] = ()
    steps: Sequence[Step] = ()


class WebhookDesk(Protocol):
    """The endpoints as their one worker has them, over the session that leads. Raises UnavailableError."""

    def lead(self) -> bool: ...

    def load(self) -> int:
        """The position up to which facts about endpoints are known."""

    def standings(self) -> Sequence[Standing]: ...

    def read(self, after: int, limit: int, types: Collection[str]) -> Page[Event]: ...

    def note(self, before: int, noted: Noted) -> bool:
        """All of it or nothing; false, and nothing happens, when the position isn't `before` any more."""

    def errands(self) -> Sequence[Errand]:
        """Those that nobody has done yet, the oldest first."""

    def tidy(self) -> None:
        """Takes away what the log need not hold any more."""

    def close(self) -> None: ...


class Threads(Protocol):
    """Where what blocks is run."""

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...


class News(Protocol):
    async def wait(self, feed: UUID, after: int, timeout_s: float) -> None:
        """Until the feed goes on beyond `after`, at most so long."""


class Line(Protocol):
    """The way to one endpoint, kept open between messages."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Within a bounded time; whatever goes wrong is told in the answer."""

    async def close(self) -> None: ...


Read = Callable[[UUID, int, int], FeedPage]
"""Of a feed: after which number, and how many at most. Blocks; raises as Deliveries.read."""
Sign = Callable[[UUID, Endpoint, Message, datetime], Mapping[str, str]]
"""The headers of an endpoint's message, when it is sent then. Blocks, unless it has signed for this endpoint before.

Raises SecretLostError."""
Disable = Callable[[UUID, Endpoint, str], None]
"""Records that an endpoint was given up, and why. Blocks."""
Find = Callable[[Collection[UUID]], Mapping[UUID, Endpoint]]
"""What the ledger tells of endpoints. Blocks."""


@dataclass(frozen=True)
class Tools:
    """What the queues work with; what `open_news` opens is one event loop's. `source` names the installation."""

    read: Read
    sign: Sign
    disable: Disable
    find: Find
    open_line: Callable[[], Line]
    open_news: Callable[[], News]
    threads: Threads
    clock: Callable[[], datetime]
    draw: Draw
    source: str
