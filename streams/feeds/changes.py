"""What differs between versions of an agreement, and between the forms of the facts that it names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.agreement.terms import Shown, Terms
from domain.fact import Fact
from streams.departments import newest

OTHER_TERMS = tuple(name for name in Terms.model_fields if name != "shows")
PLAIN = "plain"


def renewed(terms: Terms) -> Terms:
    """The same, with each type by its newest name: since they were agreed, a release may have brought a newer form."""
    if not any(shown.type in Fact.upcasters for shown in terms.shows):
        return terms
    shows = {newest(shown.type): shown.model_copy(update={"type": newest(shown.type)}) for shown in terms.shows}
    return terms.model_copy(update={"shows": tuple(shows.values())})


def renewals(terms: Terms) -> frozenset[str]:
    """The newest names of those types that are agreed under an older one."""
    return frozenset(newest(shown.type) for shown in terms.shows if shown.type in Fact.upcasters)


def difference(before: Terms, after: Terms) -> Mapping[str, Any]:
    """Types that are `added` and `removed`, of others their `fields`, and the names of other `terms` that differ."""
    old, new = ({shown.type: shown for shown in renewed(terms).shows} for terms in (before, after))
    differing = {type_: _fields(old[type_], new[type_]) for type_ in sorted(old.keys() & new.keys())}
    found = {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "fields": {type_: fields for type_, fields in differing.items() if fields},
        "terms": [name for name in OTHER_TERMS if getattr(before, name) != getattr(after, name)],
    }
    return {name: part for name, part in found.items() if part}


def _fields(before: Shown, after: Shown) -> Mapping[str, Any]:
    old, new = set(before.fields), set(after.fields)
    found = {
        "added": sorted(new - old),
        "removed": sorted(old - new),
        "masks": {
            path: after.masks.get(path, PLAIN)
            for path in sorted(old & new)
            if before.masks.get(path) != after.masks.get(path)
        },
    }
    return {name: part for name, part in found.items() if part}
