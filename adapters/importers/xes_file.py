"""Events of an XES log, streamed in constant memory; a trace's attributes are columns that begin with `case:`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import IO
from xml.etree.ElementTree import Element, ParseError, iterparse

from adapters.importers.errors import BrokenFileError
from adapters.importers.rows import Row

SCALARS = frozenset({"string", "date", "int", "float", "boolean", "id"})
SAMPLE = 1_000  # events whose attributes, with the log's own declarations, make the columns


class XesFile:
    """`columns` as the log declares or uses them; iterating gives the events as rows, once."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream, self._name = stream, name
        self._declared: dict[str, None] = {}
        self._events = self._read()
        self._head = list(itertools.islice(self._events, SAMPLE))
        self.columns = list(dict.fromkeys([*self._declared, *(key for event in self._head for key in event)]))

    def __iter__(self) -> Iterator[Row]:
        columns = self.columns
        for seq, event in enumerate(itertools.chain(self._head, self._events), start=1):
            yield Row([event.get(column, "") for column in columns], seq)

    def _read(self) -> Iterator[dict[str, str]]:
        try:
            yield from self._walk()
        except ParseError as error:
            raise BrokenFileError(file=self._name, reason=error) from error

    def _walk(self) -> Iterator[dict[str, str]]:
        path: list[tuple[str, Element]] = []
        trace: dict[str, str] = {}
        event: dict[str, str] = {}
        for moment, element in iterparse(self._stream, events=("start", "end")):  # noqa: S314 expat bounds entities, none is fetched
            tag = element.tag.rpartition("}")[2]
            if moment == "start":
                path.append((tag, element))
                if tag == "trace":
                    trace = {}
                elif tag == "event":
                    event = {}
                continue
            path.pop()
            around, parent = path[-1] if path else ("", element)
            if tag in SCALARS:
                self._note(element, around, parent, trace, event)
            elif tag == "event":
                yield trace | event
                parent.clear()  # what was read is let go
            elif tag == "trace":
                parent.clear()

    def _note(
        self, element: Element, around: str, parent: Element, trace: dict[str, str], event: dict[str, str]
    ) -> None:
        key, value = element.get("key", ""), element.get("value", "")
        if around == "event":
            event[key] = value
        elif around == "trace":
            trace[f"case:{key}"] = value
        elif around == "global":
            prefix = "case:" if parent.get("scope") == "trace" else ""
            self._declared[prefix + key] = None
