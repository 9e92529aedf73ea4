"""The errors of Relato: one root, each class's docstring is its message, details are attributes."""

from __future__ import annotations

import inspect
import re


class RelatoError(Exception):
    """Something Relato was asked for cannot be done."""

    def __init__(self, message: str = "", /, **details: object) -> None:
        self.details = details
        super().__init__(message or self._describe())

    @classmethod
    def code(cls) -> str:
        """By what it is known outside: `TooFarAheadError` is `too-far-ahead`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__.removesuffix("Error")).lower()

    def _describe(self) -> str:
        text = " ".join(inspect.cleandoc(type(self).__doc__ or "").split())
        named = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.details.items())
        return f"{text.rstrip('.')}: {named}." if named else text


class RefusedError(RelatoError):
    """The command is not allowed."""


class InvalidError(RefusedError):
    """The command is not well formed."""


class UnknownCommandError(InvalidError):
    """No such command is registered; `relato do --list` names them all."""


class UnknownError(RefusedError):
    """Nothing is known under this id."""


class ExistsError(RefusedError):
    """The id is taken already."""


class MergedError(RefusedError):
    """The customer was merged into another; address that one."""


class ErasedError(RefusedError):
    """The person's data were erased; nothing about them can be recorded again."""


class RemovedError(RefusedError):
    """It was there and was taken away; the history tells when."""


class ConflictError(RefusedError):
    """The state does not allow it now."""


class VersionError(RefusedError):
    """The stream has moved on since the version you named; read it again."""


class TooFarAheadError(InvalidError):
    """The time lies too far ahead of now."""


class TooLongAgoError(InvalidError):
    """The time lies before 1900, or is none; leave it out where nobody knows it."""


class NaiveTimeError(InvalidError):
    """The time says nothing of its time zone; write it as in 2026-03-01T12:00:00Z."""


class FileTypeError(InvalidError):
    """Files of this type are not taken here."""


class ContentMismatchError(InvalidError):
    """The file is not of the type that it is said to be."""


class FactTooLargeError(InvalidError):
    """The fact is larger than 256 KiB; put long texts into content."""


class RepeatedError(RefusedError):
    """The command's id was used before, with another content; take a new id."""


class UnknownFactError(RelatoError):
    """No code here knows facts of this type; run the newer release that wrote it."""


class UnavailableError(RelatoError):
    """A part of the system is away; nothing was lost, try again."""


class OutcomeUnknownError(UnavailableError):
    """The answer did not come in time: outcome unknown, repeat with the same id."""


class KeyMissingError(UnavailableError):
    """A key that should exist is missing from the key store; nothing was opened or sealed. Restore the key database."""


class SecretLostError(KeyMissingError):
    """The key database lost a webhook's secret: nothing is sent. Restore it, or `relato webhook rotate ENDPOINT`."""
