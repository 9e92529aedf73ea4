"""Why an event that a partner sends is refused, beside what the commands' own rules say."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Self

from pydantic import ValidationError

from domain.errors import ConflictError, InvalidError, RefusedError, UnavailableError


class UnfitError(InvalidError):
    """An event does not fit; `faults` name the places in it."""

    @classmethod
    def of(cls, error: ValidationError) -> Self:
        """With what does not fit, by its place; no value is repeated."""
        faults = list(_faults(error))
        return cls(f"{inspect.cleandoc(cls.__doc__ or '').rstrip('.')}: {'; '.join(faults)}", faults=faults)


class EventFormError(UnfitError):
    """This is no CloudEvent 1.0 with JSON data."""


class EventTooLargeError(EventFormError):
    """The event is larger than 1 MiB; send less at once."""


class EventDataError(UnfitError):
    """The data do not fit the event's type."""


class NotAcceptedError(RefusedError):
    """The agreement accepts no events of this type from the partner."""


class NotInForceError(ConflictError):
    """Nothing is taken under the agreement as it stands."""


class EventTakenError(ConflictError):
    """An event with this source and id was taken before, with another content; send this one under an id of its own."""


class UnforeseenError(RefusedError):
    """Nobody foresaw what is wrong with this event; an operator has to look at it."""


class QuarantineFullError(UnavailableError):
    """Too many refused events wait for somebody to look at them; this one was not kept, send it again later."""


class NotHeldError(ConflictError):
    """The event is not held any more: it was taken meanwhile, or discarded."""


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False)[:20]:
        place = ".".join(str(step)[:100] for step in fault["loc"])
        text = "is needed" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        yield f"{place}: {text}" if place else text
