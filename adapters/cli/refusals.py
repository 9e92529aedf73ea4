"""Every failure in a line: what it was and what to do, and the exit status."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Sequence

import typer

from domain.errors import RelatoError

REFUSED, WRONG_USE, INTERRUPTED = 1, 2, 130
DISK = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


class WrongUseError(RelatoError):
    """The command was not given as it must be; one line for each fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


def refuse(error: BaseException) -> int:
    """Says it on stderr, and answers the exit status."""
    lines, status = _describe(error)
    for line in lines:
        sys.stderr.write(f"relato: {_in_one_line(line)}\n")
    return status


def _describe(error: BaseException) -> tuple[Sequence[str], int]:
    match error:
        case typer.Abort():
            return [], INTERRUPTED
        case WrongUseError(faults=faults):
            return faults, WRONG_USE
        case RelatoError():
            return [str(error)], REFUSED
        case typer.TyperException():
            return [_describe_use(error)], error.exit_code
        case UnicodeEncodeError():
            return ["the text is not valid UTF-8"], WRONG_USE
        case OSError():
            return [_describe_system(error)], REFUSED
        case _:
            return [_describe_foreign(error)], REFUSED


def _describe_use(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    hint = f"; see `{context.command_path} --help`" if context else ""
    return f"{error.format_message().rstrip('.') or 'name one of its commands'}{hint}"


def _describe_system(error: OSError) -> str:
    what = DISK.get(error.errno or 0) or (error.strerror or str(error)).lower()
    where = f": {error.filename}" if error.filename else ""
    return f"{what}{where}" + ("; make room and try again" if error.errno in DISK else "")


def _describe_foreign(error: BaseException) -> str:
    """What no adapter has put into words of ours."""
    import psycopg  # noqa: PLC0415 loaded only when something failed

    first = next(iter(str(error).strip().splitlines()), "")
    if isinstance(error, psycopg.Error):
        return f"PostgreSQL refused: {first}"
    return f"unexpected {type(error).__name__}; run it again with RELATO_DEBUG=1 and report what that prints"


def _in_one_line(text: str) -> str:
    return " ".join(_words(text))


def _words(text: str) -> Iterator[str]:
    """Without control characters, which could move the terminal's cursor."""
    for word in text.split():
        yield "".join(c if c.isprintable() else "?" for c in word)
