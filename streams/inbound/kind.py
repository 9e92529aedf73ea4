"""What a type of inbound event is: its data, what they concern, and the commands that come of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.decider import Command
from streams.inbound.concerning import Concerned, Question
from streams.inbound.errors import EventDataError


class EventData(BaseModel):
    """The data of an event; what is not known is refused, for it would be lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


D = TypeVar("D", bound=EventData)
EXAMPLE_ID = UUID("0199b0c2-7d1e-7a3b-8c4d-5e6f7a8b9c0d")


class Sender(NamedTuple):
    """Who sends an event; `make_id` gives the ids of what is new by it, the same each time the event comes."""

    partner_id: UUID
    make_id: Callable[[str], UUID]


@dataclass(frozen=True)
class Inbound(Generic[D]):
    """`asks` names what an event concerns, which is looked up and checked against the scope; `orders` makes the
    commands of it, of which only the first may be refused. `example`: of its data, with ids of nobody's.
    """

    name: str
    data: type[D]
    asks: Callable[[D], Question]
    orders: Callable[[D, Concerned, Sender], Iterable[Command]]
    example: D

    def read(self, given: Mapping[str, Any]) -> D:
        """Raises EventDataError."""
        try:
            return self.data.model_validate(given)
        except ValidationError as error:
            raise EventDataError.of(error) from error

    def commands(self, data: D, concerned: Concerned, sender: Sender) -> Sequence[Command]:
        """Raises RefusedError."""
        try:
            return list(self.orders(data, concerned, sender))
        except ValidationError as error:
            raise EventDataError.of(error) from error
