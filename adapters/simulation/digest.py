"""All that the read models hold, in a digest for each view: equal whenever and from whatever it was folded."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any
from zoneinfo import ZoneInfo

from adapters.postgres.views import read_rows, reading
from adapters.simulation.scenes import Connect
from domain.access.facts import KeyIssued
from domain.endpoint.facts import EndpointAdded
from domain.event import Origin
from projections.catalogue import VIEWS
from projections.disclosure import Disclosure, as_sealed
from projections.view import View

# what depends on the clock or the place, or is drawn when a fact is recorded
FLEETING = {"event_id", "recorded_at", "age_s", "in_status_s", "recency_days", "days_left", "days_to_notice", "url"}
DEPENDS_ON_TODAY = {"contracts_due"}
MADE_HERE = {
    Origin.REACTOR: ("occurred_at", "command_id", "causation_id"),
    Origin.PARTNER: ("command_id", "causation_id"),
}
DRAWN = {KeyIssued.TYPE, EndpointAdded.TYPE}  # a random key's hash, a port that was free
# of a partner's events: all but what is of this installation, or of when it was recorded
KEPT = ("feedseq", "type", "agreementversion")


def digest_views(connect: Connect, disclosure: Disclosure, zone: ZoneInfo) -> Mapping[str, Mapping[str, Any]]:
    """Rows and SHA-256 of each view's sorted rows, sealed values opened."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, (service, view) in sorted(VIEWS.items()):
        if name not in DEPENDS_ON_TODAY:
            with closing(connect(service)) as db, reading(db, zone):
                lines = [_line(row) for page in read_rows(db, view, (), ()) for row in _opened(view, page, disclosure)]
            found[name] = {"rows": len(lines), "sha256": hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()}
    return found


def digest_events(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """How many of each type, and SHA-256 of them in their order: without pseudonyms and times of recording."""
    types = Counter(event["type"] for event in events)
    lines = (json.dumps(_kept(event), sort_keys=True, ensure_ascii=False) for event in events)
    return {"types": dict(sorted(types.items())), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def _kept(event: Mapping[str, Any]) -> Mapping[str, Any]:
    data = {name: value for name, value in event["data"].items() if name != "subject"}
    when = {"time": event["time"]} if "recordedtime" in event else {}
    return {**{name: event.get(name) for name in KEPT}, **when, "data": data}


def _opened(view: View, page: Sequence[tuple[Any, ...]], disclosure: Disclosure) -> Sequence[Mapping[str, Any]]:
    named = [dict(zip(view.columns, row, strict=True)) for row in page]
    return disclosure.open_within(
        [{name: as_sealed(value) if name in view.sealed else value for name, value in row.items()} for row in named]
    )


def _line(row: Mapping[str, Any]) -> str:
    left_out = {*FLEETING, *MADE_HERE.get(row.get("origin", Origin.COMMAND), ())}
    if row.get("type") in DRAWN:
        left_out.add("data")
    kept = {name: value for name, value in row.items() if name not in left_out}
    return json.dumps(kept, default=str, sort_keys=True, ensure_ascii=False)
