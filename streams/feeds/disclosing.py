"""What a partner is told of its feed's entries when they are delivered. Pure, but for what opens sealed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_jsonable_python

from domain.agreement.decider import Agreement
from domain.agreement.terms import Scope, Terms
from domain.event import Event, Origin
from projections.disclosure import concealed
from projections.facts import content_of
from streams.departments import newest
from streams.envelope import rfc3339
from streams.feeds.changes import difference
from streams.feeds.entries import Entry, Reason
from streams.feeds.filters import Filters, RowFilter, variables_of
from streams.feeds.people import People
from streams.feeds.showing import Window, disguised, look_through, masked, shown_as, window_of

WITHHELD = "crm.feed.withheld.v1"
TOMBSTONE = "crm.feed.tombstone.v1"
CHANGED = "crm.feed.changed.v1"
CASES = ("crm.order.", "crm.ticket.", "crm.opportunity.")  # their own subject while they are anonymous, and no person
DOCUMENTS = ("asyncapi.json", "openapi.json", "schemas.json")  # of a version, below the feed's own address
CloudEvent = Mapping[str, Any]
Opening = Callable[[Sequence[Any]], Sequence[Any]]
"""Opens the sealed values within each of the things: Disclosure.open_within."""


class Delivery(NamedTuple):
    """An entry and the fact that it points to."""

    entry: Entry
    event: Event


@dataclass(frozen=True)
class Feed:
    """An agreement as it stands; `has_ended` says that the partner is one no more. `source` names the feed."""

    agreement: Agreement
    has_ended: bool
    filters: Filters
    row_filter: RowFilter | None
    source: str
    pseudonym: Callable[[UUID], UUID]

    @property
    def is_ending(self) -> bool:
        """Nothing is told any more but what the partner is to forget."""
        return self.has_ended or self.agreement.revoked


class _Shown(NamedTuple):
    delivery: Delivery
    window: Window
    content: Mapping[str, Any]


def disclose(
    deliveries: Sequence[Delivery], feed: Feed, people: People, opening: Opening, at: datetime
) -> Sequence[CloudEvent]:
    """In the order given, one for each; `people` knows whom the facts are about."""
    told: list[CloudEvent | _Shown] = [_begin(delivery, feed, people, at) for delivery in deliveries]
    opened = iter(opening([one.content for one in told if isinstance(one, _Shown)]))
    return [_finish(one, next(opened), feed) if isinstance(one, _Shown) else one for one in told]


def _begin(delivery: Delivery, feed: Feed, people: People, at: datetime) -> CloudEvent | _Shown:
    if delivery.entry.reason is not None:
        return _tombstone(delivery, feed)
    if delivery.entry.before is not None:
        return _changed(delivery, feed, delivery.entry.before)
    reason = _reason_to_withhold(delivery, feed, people, at)
    window = None if reason else _window(delivery, feed)
    if window is None:
        return _withheld(delivery.entry, feed, reason or Reason.NARROWED)
    return _Shown(delivery, window, look_through(window, content_of(delivery.event), delivery.entry.products))


def _reason_to_withhold(delivery: Delivery, feed: Feed, people: People, at: datetime) -> Reason | None:
    entry, event = delivery
    agreement, version = feed.agreement, feed.agreement.in_force
    if feed.is_ending or version is None:
        return Reason.REVOKED
    if people.is_erased(event.subject_id):
        return Reason.ERASED
    terms = agreement.terms(version)
    if version != entry.version and not _still_told(delivery, agreement.terms(entry.version), terms, feed, people):
        return Reason.NARROWED
    if terms.consent and not people.permits(event.subject_id, terms.consent, at):
        return Reason.CONSENT
    return None


def _still_told(delivery: Delivery, told: Terms, now: Terms, feed: Feed, people: People) -> bool:
    """Whether what was entered under other terms is told by those of now."""
    event = delivery.event
    if event.origin == Origin.IMPORT and not now.imported:
        return False
    if now.valid_from is not None and event.recorded_at < now.valid_from:
        return False
    if now.valid_until is not None and event.recorded_at >= now.valid_until:
        return False
    if now.scope is Scope.CUSTOMERS:
        if people.ids_of(event.subject_id).isdisjoint(now.customers):
            return False
    elif now.scope not in (told.scope, Scope.ALL):  # whose it was then is not known any more
        return False
    if feed.row_filter is None or now.row_filter == told.row_filter:
        return True
    return feed.row_filter.matches(feed.filters.row(variables_of(event))) is True


def _window(delivery: Delivery, feed: Feed) -> Window | None:
    agreement, type_ = feed.agreement, newest(delivery.event.type)
    told = shown_as(agreement.terms(delivery.entry.version), type_)
    now = shown_as(agreement.terms(agreement.in_force or delivery.entry.version), type_)
    return window_of(told, now) if told and now else None


def _finish(shown: _Shown, opened: Mapping[str, Any], feed: Feed) -> CloudEvent:
    """What is erased, or was not opened, takes all of the event with it."""
    (entry, event), window, _ = shown
    _, erased, closed = concealed(opened)
    if erased or closed:
        return _withheld(entry, feed, Reason.ERASED if erased else Reason.CONSENT)
    data = disguised(masked(window, opened), feed.pseudonym)
    is_thing = event.type.startswith("crm.product.")
    is_person = event.stream_id == event.subject_id and not is_thing and not event.type.startswith(CASES)
    return _cloud(
        entry,
        feed,
        newest(event.type),
        {name: part for name, part in to_jsonable_python(data).items() if part is not None},
        subject=str(event.subject_id if is_thing else feed.pseudonym(event.subject_id)),
        time=rfc3339(event.occurred_at),
        recordedtime=rfc3339(event.recorded_at),
        stream=str(feed.pseudonym(event.stream_id) if is_person else event.stream_id),
    )


def _withheld(entry: Entry, feed: Feed, reason: Reason) -> CloudEvent:
    return _cloud(entry, feed, WITHHELD, {"reason": reason.value})


def _tombstone(delivery: Delivery, feed: Feed) -> CloudEvent:
    entry, event = delivery
    assert entry.reason is not None
    data: dict[str, Any] = {"reason": entry.reason.value, "through": entry.feed_seq - 1}
    if entry.subject_id is not None:
        data["subject"] = str(feed.pseudonym(entry.subject_id))
    if entry.types:
        data["types"] = list(entry.types)
    return _cloud(entry, feed, TOMBSTONE, data, time=rfc3339(event.recorded_at))


def _changed(delivery: Delivery, feed: Feed, before: int) -> CloudEvent:
    entry, event = delivery
    data: dict[str, Any] = {
        "version": entry.version,
        "before": before,
        **difference(feed.agreement.terms(before), feed.agreement.terms(entry.version)),
        **({"renewed": list(entry.types)} if entry.types else {}),
        "documents": [f"{name}?version={entry.version}" for name in DOCUMENTS],
    }
    return _cloud(entry, feed, CHANGED, data, time=rfc3339(event.recorded_at))


def _cloud(entry: Entry, feed: Feed, type_: str, data: Mapping[str, Any], **more: str) -> CloudEvent:
    return cloud_event(entry.feed_seq, entry.version, feed.source, type_, data, **more)


def cloud_event(number: int, version: int, source: str, type_: str, data: Mapping[str, Any], **more: str) -> CloudEvent:
    """In the form of CloudEvents 1.0, whatever it says."""
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": source,
        "type": type_,
        **more,
        "datacontenttype": "application/json",
        "feedseq": number,
        "agreementversion": version,
        "data": data,
    }
