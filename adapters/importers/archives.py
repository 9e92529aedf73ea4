"""Opening what is to be imported: plain, gz, xz and zip, read as they are and never unpacked to disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from adapters.importers.errors import BrokenArchiveError, MemberMissingError, SourceMissingError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 1 << 20
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError)


@contextmanager
def intact(path: Path) -> Iterator[None]:
    """Turns what reading a damaged or absent file raises into our errors."""
    try:
        yield
    except DAMAGED as error:
        raise BrokenArchiveError(file=path, reason=error) from error
    except RuntimeError as error:  # zipfile's word for a member under a password
        raise BrokenArchiveError(file=path, reason=error) from error
    except OSError as error:
        raise SourceMissingError(file=path, reason=error.strerror or error) from error


@dataclass(frozen=True)
class Source:
    """A file, or a member of a zip, that can be opened as often as needed."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        """The file's own name, without what it is packed in."""
        name = Path(self.member).name if self.member else self.path.name
        return name.removesuffix(".gz").removesuffix(".xz")

    @property
    def size(self) -> int:
        """Bytes on disk, packed as they are."""
        if self.member is None:
            return self.path.stat().st_size
        with zipfile.ZipFile(self.path) as archive:
            return archive.getinfo(self.member).compress_size

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """The unpacked bytes, as a stream."""
        with ExitStack() as stack:
            with intact(self.path):
                opened = self._unpack(stack)
            yield opened

    def _unpack(self, stack: ExitStack) -> Opened:
        raw = stack.enter_context(self.path.open("rb"))
        stream: IO[bytes] = raw
        start = 0
        if self.member is not None:
            archive = stack.enter_context(zipfile.ZipFile(raw))
            stream = stack.enter_context(archive.open(self.member))
            start = archive.getinfo(self.member).header_offset
        name = self.member or self.path.name
        if name.endswith(".gz"):
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
        elif name.endswith(".xz"):
            stream = cast("IO[bytes]", lzma.LZMAFile(stream))  # noqa: SIM115 it owns no file; ours is on the stack
        guarded = stack.enter_context(io.BufferedReader(_Guarded(stream, self.path), BLOCK))
        return Opened(guarded, raw, start)

    def digest(self) -> bytes:
        """SHA-256 of the unpacked bytes; reading them all shows damage before anything is imported."""
        content = hashlib.sha256()
        with self.open() as opened:
            while block := opened.stream.read(BLOCK):
                content.update(block)
        return content.digest()


class _Guarded(io.RawIOBase):
    """A stream whose damage shows as our errors, where it is read and nowhere else."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        with intact(self._path):
            block = self._stream.read(len(view))
        view[: len(block)] = block
        return len(block)


@dataclass
class Opened:
    """A stream of unpacked bytes, and how far the packed file was read."""

    stream: io.BufferedReader[_Guarded]
    raw: IO[bytes]
    start: int

    @property
    def bytes_read(self) -> int:
        return max(0, self.raw.tell() - self.start)


def find_sources(path: Path) -> list[Source]:
    """The files that a path stands for: itself, a directory's, or a zip's members."""
    if not path.exists():
        raise SourceMissingError(file=path)
    if path.is_dir():
        return [Source(entry) for entry in sorted(path.iterdir()) if entry.is_file() and entry.suffix != ".zip"]
    with intact(path):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return [Source(path, info.filename) for info in archive.infolist() if not info.is_dir()]
    return [Source(path)]


def choose(sources: list[Source], pattern: str, path: Path) -> Source:
    """The one source whose name fits."""
    fitting = [source for source in sources if fnmatch(source.name, pattern)]
    if len(fitting) != 1:
        there = ", ".join(source.name for source in sources) or "nothing"
        raise MemberMissingError(path=path, wanted=pattern, there=there)
    return fitting[0]
