"""What stops an import as a whole; what is wrong with one row rejects that row."""

from __future__ import annotations

from domain.errors import RelatoError


class ImportStoppedError(RelatoError):
    """The import cannot go on."""


class UnknownFormatError(ImportStoppedError):
    """No such format; give one of those named, or --mapping with a file of your own."""


class MappingError(ImportStoppedError):
    """The mapping file is not right."""


class SourceMissingError(ImportStoppedError):
    """The file to import is not there, or cannot be read; name another, or give leave to read it."""


class MemberMissingError(ImportStoppedError):
    """The archive or directory does not hold a file that the mapping names, or holds several."""


class BrokenArchiveError(ImportStoppedError):
    """The file is truncated or damaged; nothing of it was imported. Fetch it again."""


class BrokenFileError(ImportStoppedError):
    """The file cannot be read on from here; mend it and import it again, what was imported is recognised."""


class EmptyFileError(ImportStoppedError):
    """The file is empty; export it again."""


class EncodingError(ImportStoppedError):
    """The file's first line is no text in the encoding that its mapping names; save it as UTF-8, or name its own."""


class ColumnsMissingError(ImportStoppedError):
    """The file lacks columns that the mapping names; mend the mapping's delimiter, or the names of its columns."""


class ScatteredError(ImportStoppedError):
    """The rows that belong together lie too far apart; sort the file by the columns they are grouped by."""


class TooLargeError(ImportStoppedError):
    """A file that is looked things up in has too many rows for the memory."""


class ReaderLostError(ImportStoppedError):
    """The process that reads the file was ended; give the same command again, it goes on from there."""


class RejectsError(ImportStoppedError):
    """The file for rejected rows cannot be written there."""
