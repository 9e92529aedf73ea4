"""What is attached to what: found in the ledger, opened as far as the role may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from adapters.attachments.blocks import Manifest
from adapters.attachments.files import AttachmentLog, FileReader
from adapters.keys.ports import ContentStore
from domain.attachment.facts import AttachmentAdded, AttachmentRemoved
from domain.errors import ErasedError, RemovedError, UnknownError
from domain.event import Event
from domain.personal import ERASED
from projections.disclosure import WITHHELD, Disclosure, NotAllowedError


class Found(NamedTuple):
    """One page of what is attached; `next` is the position to ask on from, if there is more."""

    events: Sequence[Event]
    next: int | None


class OpenedFile(NamedTuple):
    """A file that somebody may read. `name` is None where it cannot be told."""

    name: str | None
    media_type: str
    sha256: str
    reader: FileReader


def subject_of(log: AttachmentLog, aggregate: str, id_: UUID) -> UUID:
    """Whose the stream is; UnknownError when it is none of the aggregate's."""
    begun = log.begun_as(id_)
    if begun is None or not begun.type.startswith(f"crm.{aggregate}."):
        raise UnknownError(**{aggregate: id_})
    return begun.subject_id


def find_attached(log: AttachmentLog, aggregate: str, id_: UUID, *, after: int, limit: int) -> Found:
    """Without those that were removed. Raises UnknownError."""
    subject_of(log, aggregate, id_)
    page = log.attached_to(id_, after, limit + 1)
    more, page = page[limit:], page[:limit]
    removed = {event.stream_id for event in log.facts_of([event.stream_id for event in page]) if _removes(event)}
    left = [event for event in page if event.stream_id not in removed]
    return Found(left, page[-1].position if more else None)


def tell_attached(events: Iterable[Event], disclosure: Disclosure) -> Sequence[Mapping[str, Any]]:
    """Their names and kinds, opened."""
    told = [
        {
            "attachment_id": event.stream_id,
            **event.fact.model_dump(include={"name", "media_type", "size", "sha256"}),
            "occurred_at": event.occurred_at,
            "recorded_at": event.recorded_at,
            "position": event.position,
        }
        for event in events
    ]
    return disclosure.open_within(told)


def find_attachment(log: AttachmentLog, aggregate: str, id_: UUID, attachment_id: UUID) -> AttachmentAdded:
    """Raises UnknownError, also for one that is attached to something else; RemovedError."""
    events = log.facts_of([attachment_id])
    if (fact := _added(events)) is None or (fact.aggregate, fact.attached_to) != (aggregate, id_):
        raise UnknownError(attachment=attachment_id)
    if any(map(_removes, events)):
        raise RemovedError(attachment=attachment_id)
    return fact


def find_added(log: AttachmentLog, attachment_id: UUID) -> AttachmentAdded | None:
    """What says where it is, or was, attached."""
    return _added(log.facts_of([attachment_id]))


def open_file(contents: ContentStore, disclosure: Disclosure, attachment_id: UUID, fact: AttachmentAdded) -> OpenedFile:
    """Raises ErasedError, NotAllowedError, UnavailableError."""
    manifest, name, sha256 = disclosure.open([fact.manifest.token, fact.name, fact.sha256])
    if manifest is ERASED:
        raise ErasedError("the person's data were erased, and with them this file", attachment=attachment_id)
    if manifest is WITHHELD:
        raise NotAllowedError("your role does not read what this file is kept for")
    assert isinstance(manifest, Mapping)
    reader = FileReader(contents, attachment_id, Manifest.from_json(manifest), fact.size)
    return OpenedFile(name if isinstance(name, str) else None, fact.media_type, str(sha256), reader)


def _added(events: Sequence[Event]) -> AttachmentAdded | None:
    fact = events[0].fact if events else None
    return fact if isinstance(fact, AttachmentAdded) else None


def _removes(event: Event) -> bool:
    return event.type == AttachmentRemoved.TYPE
