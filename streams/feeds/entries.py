"""A feed's entries: pointers to facts, tombstones for what the partner may no longer keep, notices of change."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Reason(StrEnum):
    """Why a partner may not keep something."""

    ERASED = "erased"
    CONSENT = "consent"
    NARROWED = "narrowed"
    REVOKED = "revoked"


class Match(NamedTuple):
    """A fact belongs to a feed; `products` are those of it that are the partner's, where only they are shown."""

    feed: UUID
    version: int
    products: tuple[UUID, ...] = ()


class Forget(NamedTuple):
    """Of a feed, the partner may no longer keep what it was told of the subjects, or of facts of these types."""

    feed: UUID
    version: int
    reason: Reason
    subject_ids: frozenset[UUID] = frozenset()
    types: tuple[str, ...] = ()


class Change(NamedTuple):
    """From here on the terms of `version` hold for a feed, in the place of those of `before`."""

    feed: UUID
    version: int
    before: int


class Entry(NamedTuple):
    """The fact at `position`, or what follows from it: with a `reason` a tombstone, with `before` a notice.

    A tombstone concerns what stands before it in the feed: all, or what is of `subject_id`, or of `types`.
    A notice says that from here on the terms of `version` hold, in the place of those of `before`; where they are the
    same, facts of `types` have a newer form.
    """

    feed: UUID
    feed_seq: int
    position: int
    version: int
    subject_id: UUID | None = None
    products: tuple[UUID, ...] = ()
    reason: Reason | None = None
    types: tuple[str, ...] = ()
    before: int | None = None

    @property
    def is_fact(self) -> bool:
        return self.reason is None and self.before is None
