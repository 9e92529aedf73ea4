"""Files in and out of the content store, a block at a time: no more of a file than two blocks is ever in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from adapters.attachments.blocks import BLOCK_BYTES, BlockCipher, BrokenFileError, Manifest, new_key
from adapters.attachments.media_types import check_content
from adapters.keys.ports import ContentStore
from domain.errors import InvalidError, KeyMissingError
from domain.event import Event


class AttachmentLog(Protocol):
    """What the ledger tells of attachments. Raises UnavailableError."""

    def begun_as(self, stream_id: UUID) -> Event | None:
        """The first fact of a stream: it says what the stream is, and whose."""

    def attached_to(self, stream_id: UUID, after: int, limit: int) -> Sequence[Event]:
        """The facts by which files were attached to it, those after a position."""

    def has_command(self, command_id: UUID) -> bool:
        """Whether something was recorded by this command."""

    def facts_of(self, attachment_ids: Sequence[UUID]) -> Sequence[Event]:
        """All facts of these attachments."""


class Written(NamedTuple):
    """A file whose blocks are all stored."""

    size: int
    sha256: str
    manifest: Manifest


class FileWriter:
    """Takes a file in pieces. What is stored is durable; without `keep` the file is only looked at and counted.

    Nothing is stored of a file that is not what it is said to be.
    """

    def __init__(self, contents: ContentStore, attachment_id: UUID, media_type: str, *, keep: bool = True) -> None:
        self._contents, self._media_type, self._keep = contents, media_type, keep
        self._key = new_key()
        self._cipher = BlockCipher(self._key, attachment_id)
        self._hashes: list[bytes] = []
        self._left = bytearray()
        self._digest, self.size = hashlib.sha256(), 0

    @property
    def is_full(self) -> bool:
        """Whether there is more than a block to be stored: one may be the last, and is sealed as such."""
        return len(self._left) > BLOCK_BYTES

    def take(self, piece: bytes) -> None:
        self._left += piece
        self.size += len(piece)

    def store(self) -> None:
        """As many blocks as are full, before it returns. Raises ContentMismatchError, UnavailableError."""
        while self.is_full:
            block = bytes(self._left[:BLOCK_BYTES])
            del self._left[:BLOCK_BYTES]
            self._put(block, is_last=False)

    def finish(self) -> Written:
        """The last block too. Raises InvalidError for a file without content, and as `store` does."""
        if not self.size:
            raise InvalidError("the file is empty")
        self.store()
        self._put(bytes(self._left), is_last=True)
        return Written(self.size, self._digest.hexdigest(), Manifest(self._key, BLOCK_BYTES, self._hashes))

    def _put(self, block: bytes, *, is_last: bool) -> None:
        if not self._hashes:
            check_content(self._media_type, block)
        self._digest.update(block)
        sealed = self._cipher.seal(len(self._hashes), block, is_last=is_last)
        self._hashes.append(hash_ := hashlib.sha256(sealed).digest())
        if self._keep:
            self._contents.put({hash_: sealed})


class FileReader:
    """Gives a file by its blocks. Raises BrokenFileError when it is not the one that was written, UnavailableError."""

    def __init__(self, contents: ContentStore, attachment_id: UUID, manifest: Manifest, size: int) -> None:
        self._contents, self._manifest, self.size = contents, manifest, size
        self._cipher = BlockCipher(manifest.key, attachment_id)
        if len(manifest.hashes) != -(-size // manifest.block_bytes):
            raise BrokenFileError(blocks=len(manifest.hashes))

    def read(self, first: int, end: int) -> Iterator[bytes]:
        """The bytes from `first` up to before `end`."""
        block_bytes = self._manifest.block_bytes
        for number in range(first // block_bytes, -(-end // block_bytes)):
            start = number * block_bytes
            yield self._block(number)[max(0, first - start) : end - start]

    def _block(self, number: int) -> bytes:
        hash_ = self._manifest.hashes[number]
        if (sealed := self._contents.get([hash_]).get(hash_)) is None:
            raise KeyMissingError("a block of a file is missing from the content store; restore it", hash=hash_.hex())
        return self._cipher.open(number, sealed, is_last=number == len(self._manifest.hashes) - 1)
