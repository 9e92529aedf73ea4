"""A feed of made-up events in an agreement's own form, to build against: the same each time, in no ledger. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, cast
from uuid import UUID

from domain.agreement.decider import Agreement
from streams.envelope import rfc3339
from streams.feeds.disclosing import CHANGED, DOCUMENTS, TOMBSTONE, WITHHELD, CloudEvent, cloud_event
from streams.feeds.entries import Reason
from streams.feeds.envelopes import SANDBOX
from streams.feeds.shapes import clear_schema, shown_types
from streams.feeds.showing import look_through, masked, shown_as, window_of
from streams.feeds.synthetic import Maker

SHORTEST = 60
BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
STEP = timedelta(hours=7)
EACH_WITHHELD = 11
ERASURE, NARROWING, CHANGE = 20, 40, 41  # the numbers of what a feed seldom says
SUBJECTS = 8


class Sandbox:
    """The events of one version; `source` is the feed's."""

    def __init__(self, feed: UUID, agreement: Agreement, version: int, source: str) -> None:
        self._feed, self._version, self._source = feed, version, source + SANDBOX
        self._terms = agreement.terms(version)
        self._types = list(shown_types(agreement, version))

    def events(self) -> Sequence[CloudEvent]:
        """All of them, numbered from 1; facts of each type come again."""
        types = cycle(self._types)
        return [self._event(number, types) for number in range(1, max(SHORTEST, 3 * len(self._types)) + 1)]

    def _event(self, number: int, types: Iterator[str]) -> CloudEvent:
        maker, at = Maker(f"{self._feed} {self._version} {number}"), rfc3339(BEGIN + number * STEP)
        match number:
            case _ if number == ERASURE:
                data = {"reason": Reason.ERASED, "through": number - 1, "subject": str(self._subject(number - 1))}
                return self._cloud(number, TOMBSTONE, data, time=at)
            case _ if number == NARROWING:
                narrowed = {"reason": Reason.NARROWED, "through": number - 1, "types": self._types[:1]}
                return self._cloud(number, TOMBSTONE, narrowed, time=at)
            case _ if number == CHANGE:
                return self._cloud(number, CHANGED, self._change(), time=at)
            case _ if number % EACH_WITHHELD == 0:
                return self._cloud(number, WITHHELD, {"reason": Reason.CONSENT})
            case _:
                return self._fact(number, next(types), maker, at)

    def _fact(self, number: int, type_: str, maker: Maker, at: str) -> CloudEvent:
        shown = shown_as(self._terms, type_)
        assert shown is not None
        window = window_of(shown, shown)
        content = cast("Mapping[str, Any]", maker.value(clear_schema(type_)))
        data = masked(window, look_through(window, content, ()))
        told = {name: part for name, part in data.items() if part is not None}
        subject = str(self._subject(number))
        is_product = type_.startswith("crm.product.")
        stream = subject if is_product or type_.startswith("crm.customer.") else str(maker.id())
        return self._cloud(number, type_, told, subject=subject, time=at, recordedtime=at, stream=stream)

    def _subject(self, number: int) -> UUID:
        return Maker(f"{self._feed} {number % SUBJECTS}").id()

    def _change(self) -> Mapping[str, Any]:
        """As if one of the fields had not been shown before."""
        shown = next((one for one in self._terms.shows if one.fields), None)
        fields = {"fields": {shown.type: {"added": [shown.fields[-1]]}}} if shown else {"terms": ["purpose"]}
        documents = [f"{name}?version={self._version}" for name in DOCUMENTS]
        return {"version": self._version, "before": max(1, self._version - 1), **fields, "documents": documents}

    def _cloud(self, number: int, type_: str, data: Mapping[str, Any], **more: str) -> CloudEvent:
        return cloud_event(number, self._version, self._source, type_, data, **more)
