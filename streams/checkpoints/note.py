"""Signed checkpoints of the tree's head: C2SP signed-note and tlog-checkpoint, with ed25519 (c2sp.org)."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.errors import RelatoError
from streams.checkpoints.merkle import HASH_BYTES

ED25519 = b"\x01"
KEY_BYTES = 32
KEY_ID_BYTES = 4
MOST_CHARACTERS = 1_000_000
KEY_NAME = re.compile(r"[^\s+]+")
CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([^\n]+)\n((?:[^\n]+\n)*)")
FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
SIGNATURE_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/=]+)")


class NoteError(RelatoError):
    """The signed note cannot be trusted."""


class MalformedNoteError(NoteError):
    """The text is no signed note."""


class MalformedCheckpointError(NoteError):
    """The note's text is no checkpoint: origin, tree size and root hash on a line each, then extension lines."""


class MalformedKeyError(NoteError):
    """The text is no ed25519 verifier key of the form name+id+key."""


class UnknownSignerError(NoteError):
    """The note carries no signature by this key."""


class BadSignatureError(NoteError):
    """The signature doesn't match the note's text: one of the two was altered."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log's tree: how many rows, under which root; extension lines are opaque."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        return "".join(f"{line}\n" for line in (self.origin, self.size, base64_text(self.root), *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        match = CHECKPOINT.fullmatch(text)
        if not match:
            raise MalformedCheckpointError
        origin, size, root, extensions = match.groups()
        try:
            return cls(origin, int(size), base64_bytes(root, HASH_BYTES), tuple(extensions.split("\n")[:-1]))
        except ValueError as error:
            raise MalformedCheckpointError(root=root) from error


@dataclass(frozen=True, slots=True)
class Verifier:
    """A named public key; as text, what an auditor is given once and keeps."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64_text(ED25519 + self.public_key)}"

    @classmethod
    def of(cls, name: str, private_key: Ed25519PrivateKey) -> Verifier:
        if not KEY_NAME.fullmatch(name):
            raise MalformedKeyError(name=name)
        return cls(name, private_key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Verifier:
        name, _, rest = text.partition("+")
        try:
            typed_key = base64_bytes(rest.partition("+")[2], len(ED25519) + KEY_BYTES)
            verifier = cls(name, typed_key.removeprefix(ED25519))
            exact = str(verifier) == text and KEY_NAME.fullmatch(name)
        except ValueError as error:
            raise MalformedKeyError(key=text) from error
        if not exact:
            raise MalformedKeyError(key=text)
        return verifier

    def verify(self, signature: bytes, text: str) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature as error:
            raise BadSignatureError(key=self) from error


def sign(checkpoint: Checkpoint, name: str, private_key: Ed25519PrivateKey) -> str:
    """The signed note; refuses what no reader would take back."""
    verifier, text = Verifier.of(name, private_key), checkpoint.text()
    if not _is_plain(text) or Checkpoint.parse(text) != checkpoint:
        raise MalformedCheckpointError(origin=checkpoint.origin)
    signature = base64_text(verifier.key_id + private_key.sign(text.encode()))
    return f"{text}\n— {name} {signature}\n"


def open_note(note: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint in a note that this key signed; signatures by other keys are ignored, as cosignatures are."""
    return Checkpoint.parse(open_text(note, verifier))


def open_text(note: str, verifier: Verifier) -> str:
    """The text of a note that this key signed."""
    head, blank, tail = note.rpartition("\n\n")
    if not (blank and tail.endswith("\n") and _is_plain(note)):
        raise MalformedNoteError
    text = head + "\n"
    ours = [blob for name, key_id, blob in _signatures(tail) if (name, key_id) == (verifier.name, verifier.key_id)]
    if not ours:
        raise UnknownSignerError(key=verifier)
    for signature in ours:
        verifier.verify(signature, text)
    return text


def _signatures(lines: str) -> Iterator[tuple[str, bytes, bytes]]:
    """Name, key id and signature of each line."""
    for line in lines.removesuffix("\n").split("\n"):
        match = SIGNATURE_LINE.fullmatch(line)
        if not match:
            raise MalformedNoteError(line=line)
        try:
            signature = base64_bytes(match["signature"])
        except ValueError as error:
            raise MalformedNoteError(line=line) from error
        yield match["name"], signature[:KEY_ID_BYTES], signature[KEY_ID_BYTES:]


def _is_plain(text: str) -> bool:
    """UTF-8 without control characters but newlines, and of bounded length."""
    return len(text) <= MOST_CHARACTERS and not FORBIDDEN.search(text)


def base64_text(content: bytes) -> str:
    return b64encode(content).decode()


def base64_bytes(text: str, length: int | None = None) -> bytes:
    """The content of strict, canonical base64, of this length if one is given; ValueError otherwise."""
    content = b64decode(text, validate=True)
    if base64_text(content) != text or length not in (None, len(content)):
        raise ValueError("the base64 is not canonical, or its content has another length")
    return content
