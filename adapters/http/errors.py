"""What can be wrong with a request before it means anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.errors import InvalidError, RelatoError, UnavailableError


class MalformedError(InvalidError):
    """The request's body is no JSON object in UTF-8."""


class BodyError(InvalidError):
    """The request does not fit; each fault is named by its place."""

    def __init__(self, faults: Sequence[Mapping[str, str]]) -> None:
        self.faults = faults
        super().__init__()


class MediaTypeError(InvalidError):
    """The body is of another kind than JSON; send it as application/json."""


class PackedError(InvalidError):
    """The body is packed (Content-Encoding), and nothing is unpacked here; send it as it is."""


class UnacceptableError(InvalidError):
    """It cannot be had in that form; JSON, CSV and, as it changes, text/event-stream there are."""


class TooLargeError(InvalidError):
    """The body is larger than this installation takes."""


class HeadersTooLargeError(InvalidError):
    """The request's address and headers are longer than this installation takes."""


class MappingRefusedError(InvalidError):
    """The mapping is not right; it says where."""


class EventKindError(MediaTypeError):
    """Events come as application/cloudevents+json, many at once as application/cloudevents-batch+json."""


class RangeError(InvalidError):
    """The file has no such part."""


class DigestError(InvalidError):
    """What came is not what Content-Digest says; send it again."""


class TooSlowError(InvalidError):
    """The body did not come in time."""


class UnauthenticatedError(RelatoError):
    """Who asks is not known; send `Authorization: Bearer` and a key that opens."""


class NoRouteError(RelatoError):
    """There is nothing under this address; /docs shows what there is."""


class MethodError(RelatoError):
    """This cannot be done to it; the header Allow says what can."""


class OverloadedError(UnavailableError):
    """Too many requests wait already; nothing was done, try again."""


class TooManyError(RelatoError):
    """You ask more often than this installation lets one caller; wait as long as Retry-After says."""

    def __init__(self, *, retry_after_s: int = 1) -> None:
        self.retry_after_s = retry_after_s
        super().__init__()


class CrowdingError(TooManyError):
    """You have as many of these under way as one caller may; end some of them, or wait."""


class GuessingError(TooManyError):
    """Too many keys that open nothing came from your address; wait as long as Retry-After says."""


class IssuerAwayError(UnavailableError):
    """The issuer of your token cannot be asked for its keys now; try again."""


class NotFoldedError(UnavailableError):
    """What you wrote is not in the read model yet; try again."""
