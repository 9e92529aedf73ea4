"""Sealing: AES-256-GCM under the key of (person, purpose), bound to the key's id; opened only at the way out.

A sealed value is `s1.` and base64url of key id (16 bytes), nonce (12), ciphertext with tag. Longer ones are `c1.` and
key id, nonce, SHA-256 of the ciphertext (32), which the content store keeps. The nonce is a keyed digest of the value,
so equal values of one person and purpose seal equal: a change can be told without opening, a repeat is the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.ids import uuid7
from adapters.keys.derivation import Derivation
from adapters.keys.digest import KeyedDigest
from adapters.keys.master import KEY_BYTES, NONCE_BYTES, MasterKey, WrappingKey
from adapters.keys.ports import ContentStore, KeyStore, OtherMasterError, Owner, StoredKey
from domain.cache import Cache
from domain.errors import ErasedError, InvalidError, KeyMissingError, RefusedError, RelatoError
from domain.personal import ERASED, Erased, KeyId, Sealed, Secret

K = TypeVar("K")
T = TypeVar("T")
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode  # dumps makes one each time
_from_json = json.JSONDecoder().raw_decode
PLAIN_64 = bytes.maketrans(b"-_", b"+/")
INLINE_BYTES = 8 * 1024
LARGEST_BYTES = 16 * 1024 * 1024
KEY_ID_BYTES = 16
TERM_S = 5.0  # how long remembered keys are trusted; then we ask whether anyone was erased and we did not hear it


class BrokenSealError(RelatoError):
    """A sealed value does not open under its own key: it was altered."""


class Key(NamedTuple):
    """A person's key, ready for use."""

    key_id: UUID
    cipher: AESGCM
    nonces: KeyedDigest


class SealingVault:
    """Implements the domain's Vault over a key store, a content store and the master key. Safe from many threads."""

    def __init__(self, keys: KeyStore, contents: ContentStore, master: MasterKey, *, cache_size: int = 50_000) -> None:
        self._keys, self._contents, self._master = keys, contents, master
        self._by_owner: Cache[Owner, Key] = Cache(cache_size)
        self._by_id: Cache[KeyId, Key] = Cache(cache_size)
        self._lock, self._forgotten = threading.Lock(), 0
        self._asking, self._last_erasure, self._trusted_until = threading.Lock(), -1, 0.0
        self.derivation = Derivation(self.secret("installation", lambda: os.urandom(KEY_BYTES)))
        keys.watch(self.forget)

    def seal(self, secrets: Sequence[Secret]) -> Sequence[Sealed | RefusedError]:
        owners = [Owner(secret.person_id, secret.purpose) for secret in secrets]
        keys = self._keys_of(owners)
        contents: dict[bytes, bytes] = {}
        sealed = _seal_each(owners, secrets, keys, contents)
        if contents:
            self._contents.put(contents)
        return sealed

    def seal_at_once(self, secrets: Sequence[Secret]) -> Sequence[Sealed | RefusedError] | None:
        if time.monotonic() >= self._trusted_until:
            return None
        owners = [Owner(secret.person_id, secret.purpose) for secret in secrets]
        keys, missing = self._by_owner.find(dict.fromkeys(owners))
        contents: dict[bytes, bytes] = {}
        sealed = [] if missing else _seal_each(owners, secrets, keys, contents)
        return None if missing or contents else sealed

    def open(self, values: Sequence[Sealed]) -> Sequence[Any | Erased]:
        parts = [_Parts.of(value) for value in values]
        keys = self._keys_by_id({part.key_id for part in parts})
        away = [part.body for part in parts if part.stored and keys[part.key_id]]
        contents = self._contents.get(away) if away else {}
        return [_open(key, part, contents) if (key := keys[part.key_id]) else ERASED for part in parts]

    def fingerprint(self, content: bytes) -> bytes:
        return self.derivation.fingerprint(content)

    def derive_id(self, namespace: str, natural_key: str) -> UUID:
        return self.derivation.derive_id(namespace, natural_key)

    def erase(self, person_ids: Sequence[UUID]) -> None:
        """Destroys the persons' keys for ever."""
        self._keys.destroy(person_ids)
        self.forget()

    def erased(self, person_ids: Sequence[UUID]) -> set[UUID]:
        return self._keys.erased(person_ids)

    def secret(self, name: str, create: Callable[[], bytes]) -> bytes:
        """A secret of the installation, made the first time."""
        use, offered = secret_use(name), create()
        wrapped = self._offer(lambda key: self._keys.secret(name, key.wrap(offered, use), key.print))
        return self._master.unwrap(wrapped, use)

    def find_secret(self, name: str) -> bytes | None:
        """None, and none is made, where there is none of this name."""
        wrapped = self._keys.find_secret(name)
        return None if wrapped is None else self._master.unwrap(wrapped, secret_use(name))

    def forget(self) -> None:
        """Every key is asked for anew."""
        with self._lock:
            self._forgotten += 1
            self._by_owner.clear()
            self._by_id.clear()

    def _trust(self) -> None:
        """Who remembers keys may have missed an erasure: once a term the store is asked whether there was one."""
        if time.monotonic() < self._trusted_until:
            return
        with self._asking:
            if (now := time.monotonic()) < self._trusted_until:
                return  # somebody else has asked meanwhile
            if (last := self._keys.last_erasure()) != self._last_erasure:
                self.forget()
            self._last_erasure, self._trusted_until = last, now + TERM_S

    def _remember(self, cache: Cache[K, Key], keys: Mapping[K, Key], asked_after: int) -> None:
        """Unless all was forgotten since they were asked for: one of them may have been destroyed meanwhile."""
        with self._lock:
            if self._forgotten == asked_after:
                cache.keep(keys)

    def _keys_of(self, owners: Iterable[Owner]) -> Mapping[Owner, Key]:
        self._trust()
        asked_after = self._forgotten
        found, missing = self._by_owner.find(dict.fromkeys(owners))
        if missing:
            stored = dict(self._keys.find_owned(missing))
            if new := [owner for owner in missing if owner not in stored]:
                keys = {owner: (uuid7(), os.urandom(KEY_BYTES)) for owner in new}
                stored |= self._offer(lambda key: self._keys.create(_wrapped(keys, key), key.print))
            fresh = {owner: self._unwrap(key) for owner, key in stored.items() if key.wrapped is not None}
            self._remember(self._by_owner, fresh, asked_after)
            found |= fresh
        return found

    def _keys_by_id(self, key_ids: Iterable[KeyId]) -> Mapping[KeyId, Key | None]:
        """None for a key that was destroyed; a key that is not there at all is an error."""
        self._trust()
        asked_after = self._forgotten
        found, missing = self._by_id.find(key_ids)
        if not missing:
            return found
        asked = [UUID(bytes=key_id) for key_id in missing]
        stored = self._keys.find(asked)
        if lost := set(asked) - set(stored):
            raise KeyMissingError(key=min(lost))
        fresh = {key_id.bytes: self._unwrap(kept) for key_id, kept in stored.items() if kept.wrapped is not None}
        self._remember(self._by_id, fresh, asked_after)
        return {**dict.fromkeys(missing), **found, **fresh}

    def _offer(self, offer: Callable[[WrappingKey], T]) -> T:
        """Wrapped by the master key that the store names: a rotation may have begun since we read ours."""
        try:
            return offer(self._master.wrapping)
        except OtherMasterError as error:
            return offer(self._master.turn_to(error.named))

    def _unwrap(self, stored: StoredKey) -> Key:
        assert stored.wrapped is not None
        key = self._master.unwrap(stored.wrapped, stored.key_id.bytes)
        return Key(stored.key_id, AESGCM(key), KeyedDigest(KeyedDigest(key)(b"nonce")))


def secret_use(name: str) -> bytes:
    """What a wrapped secret of the installation is bound to."""
    return f"secret {name}".encode()


def _wrapped(keys: Mapping[Owner, tuple[UUID, bytes]], master: WrappingKey) -> dict[Owner, StoredKey]:
    return {owner: StoredKey(key_id, master.wrap(key, key_id.bytes)) for owner, (key_id, key) in keys.items()}


class _Parts(NamedTuple):
    """What a sealed value consists of."""

    key_id: KeyId
    nonce: bytes
    body: bytes  # the ciphertext, or its hash when the content store has it
    stored: bool

    @classmethod
    def of(cls, value: Sealed) -> _Parts:
        text = value[3:].encode().translate(PLAIN_64)  # what base64 does with it, without its checks: we wrote it
        raw = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
        start = KEY_ID_BYTES + NONCE_BYTES
        return cls(
            raw[:KEY_ID_BYTES],
            raw[KEY_ID_BYTES:start],
            raw[start:],
            value.startswith("c1."),
        )


def _seal_each(
    owners: Iterable[Owner], secrets: Iterable[Secret], keys: Mapping[Owner, Key], contents: dict[bytes, bytes]
) -> list[Sealed | RefusedError]:
    return [
        _seal(key, secret.value, contents) if (key := keys.get(owner)) else ErasedError(person=owner.person_id)
        for owner, secret in zip(owners, secrets, strict=True)
    ]


def _seal(key: Key, value: object, contents: dict[bytes, bytes]) -> Sealed | InvalidError:
    clear = _to_json(value).encode()
    if len(clear) > LARGEST_BYTES:
        return InvalidError("a personal value is larger than 16 MiB", bytes=len(clear))
    nonce = key.nonces(clear)[:NONCE_BYTES]
    body = key.cipher.encrypt(nonce, clear, key.key_id.bytes)
    form = "s1."
    if len(clear) > INLINE_BYTES:
        digest = hashlib.sha256(body).digest()
        contents[digest] = body
        form, body = "c1.", digest
    return Sealed(form + base64.urlsafe_b64encode(key.key_id.bytes + nonce + body).rstrip(b"=").decode())


def _open(key: Key, parts: _Parts, contents: Mapping[bytes, bytes]) -> Any:
    body = contents.get(parts.body) if parts.stored else parts.body
    if body is None:
        raise KeyMissingError("sealed content is missing from the content store; restore it", hash=parts.body.hex())
    try:
        return _from_json(key.cipher.decrypt(parts.nonce, body, parts.key_id).decode())[0]
    except InvalidTag as error:
        raise BrokenSealError(key=key.key_id) from error
