"""Makes docs/performance.md of the newest results: each figure beside its target, how it was measured, and on what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Missing

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
HEAD = """\
# Performance

Made by `python -m benchmarks.report` from `benchmarks/results/{name}`; `make bench` measures anew.

The sides of a figure take turns within one run on one machine, PostgreSQL and Kafka beside them, with fsync and
synchronous_commit on, sealing and hashing on. Given are the median of the rounds and, in brackets, the least and the
most; for figures against a peer these are ratios, taken round by round. Peers run as their own documentation sets
them up.

| what | against | at least | measured | |
|---|---|---|---|---|
"""


def main() -> None:
    newest = max(RESULTS.glob("*.json"), default=None)
    if newest is None:
        raise SystemExit("there are no results yet; run `make bench` first")
    PAGE.write_text(render(newest.name, json.loads(newest.read_text())))
    print(f"{PAGE.name} made from {newest.name}")


def render(name: str, parts: Sequence[dict[str, Any]]) -> str:
    figures = [_read(found) for part in parts for found in part["figures"]]
    return "".join(
        (
            HEAD.format(name=name),
            *(f"{_row(figure)}\n" for figure in figures),
            *(f"| {part['module']} | | | {part['failed']} | ✗ |\n" for part in parts if "failed" in part),
            "\n## How\n\n",
            *_explained(figures),
            "\n## Every side, round by round\n\n",
            *_rounds(figures),
            "\n## On what\n\n",
            *_machine(parts),
        )
    )


def _read(found: dict[str, Any]) -> Figure | Missing:
    return Missing(**found) if "reason" in found else Figure(**found)


def _row(figure: Figure | Missing) -> str:
    if isinstance(figure, Missing):
        return f"| {figure.what} | | | not measured: {figure.reason} | |"
    bound = "—" if figure.target is None else f"{'< ' if figure.is_most else ''}{_say(figure.target)} {figure.unit}"
    least, most = min(figure.values), max(figure.values)
    measured = f"**{_say(figure.middle)} {figure.unit}** ({_say(least)} … {_say(most)})"
    mark = {True: "✓", False: "✗", None: ""}[figure.is_reached]
    return f"| {figure.what} | {figure.against} | {bound} | {measured} | {mark} |"


def _explained(figures: Sequence[Figure | Missing]) -> Iterator[str]:
    told: dict[str, list[str]] = {}
    for figure in figures:
        if isinstance(figure, Figure) and figure.how:
            told.setdefault(figure.how, []).append(figure.what)
    for how, names in told.items():
        yield f"- *{'; '.join(dict.fromkeys(names))}.* {how}\n"


def _rounds(figures: Sequence[Figure | Missing]) -> Iterator[str]:
    yield "| figure | side | rounds |\n|---|---|---|\n"
    for figure in figures:
        for side, values in (figure.sides if isinstance(figure, Figure) else {}).items():
            assert isinstance(figure, Figure)
            yield f"| {figure.what} | {side} | {', '.join(map(_say, values))} |\n"


def _machine(parts: Sequence[dict[str, Any]]) -> Iterator[str]:
    """As the first part found it; the load is that of each part's beginning."""
    about: dict[str, str] = next((part["machine"] for part in parts if "machine" in part), {})
    for name, value in about.items():
        if name != "load":
            yield f"- {name}: {value}\n"
    loads = ", ".join(f"{part['module']} {part['machine']['load']}" for part in parts if "machine" in part)
    yield f"- load average when each benchmark began: {loads}\n"


def _say(value: float) -> str:
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


if __name__ == "__main__":
    main()
