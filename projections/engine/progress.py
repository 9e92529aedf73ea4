"""How far the read models have come: bookmarks, lag, and the wait of a reader for what it wrote."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from domain.errors import InvalidError
from projections.engine.statements import read_statements

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.002, 0.05
_SQL = read_statements(Path(__file__).with_name("progress.sql"))


class Lag(NamedTuple):
    """A read model's place in a partition, and the ledger's."""

    model: str
    partition: int
    seq: int
    head: int

    @property
    def behind(self) -> int:
        return max(0, self.head - self.seq)


def lag(db: psycopg.Connection[Any], heads: Mapping[int, int]) -> Sequence[Lag]:
    """Of the live read models in the session's schema, for each partition that has facts; `heads` are the ledger's."""
    marks: dict[str, dict[int, int]] = {}
    for model, partition, seq in db.execute(_SQL["places"]).fetchall():
        marks.setdefault(model, {})[partition] = seq
    return [Lag(model, p, mark.get(p, 0), head) for model, mark in marks.items() for p, head in sorted(heads.items())]


def read_marks(db: psycopg.Connection[Any]) -> str:
    """A text that differs whenever a live read model of the session's schema has moved on."""
    found = db.execute(_SQL["marks"]).fetchone()
    assert found is not None
    return str(found[0])


def parse_token(token: str) -> Mapping[int, int]:
    """The places in the token of a command's outcome, `partition.seq` with commas; InvalidError for anything else."""
    try:
        places = (place.split(".") for place in token.split(",") if place)
        return {int(partition): int(seq) for partition, seq in places}
    except ValueError as error:
        raise InvalidError("no such token; send back the one that the write answered", token=token) from error


def wait_for(
    db: psycopg.Connection[Any], token: str, models: Sequence[str] | None = None, *, timeout_s: float = 5.0
) -> bool:
    """Whether what the token names is folded into these read models (all of the service's) before the time is up."""
    return wait_until(db, parse_token(token), models, timeout_s=timeout_s)


def wait_until(
    db: psycopg.Connection[Any],
    places: Mapping[int, int],
    models: Sequence[str] | None = None,
    *,
    timeout_s: float = 5.0,
) -> bool:
    deadline, wait_s = time.monotonic() + timeout_s, _FIRST_WAIT_S
    while count_behind(db, places, ["live"], models=models):
        if (left_s := deadline - time.monotonic()) <= 0:
            return False
        time.sleep(min(wait_s, left_s))
        wait_s = min(wait_s * 1.5, _LONGEST_WAIT_S)
    return True


def count_behind(
    db: psycopg.Connection[Any],
    places: Mapping[int, int],
    states: Collection[str],
    tables: Collection[str] | None = None,
    *,
    models: Collection[str] | None = None,
) -> int:
    """How many bookmarks are not there yet."""
    given = {
        "partitions": list(places),
        "seqs": list(places.values()),
        "states": list(states),
        "tables": None if tables is None else list(tables),
        "models": None if models is None else list(models),
    }
    found = db.execute(_SQL["count_behind"], given).fetchone()
    assert found is not None
    return int(found[0])
