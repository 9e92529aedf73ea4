"""What the demonstration says, in plain words and small tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import typer

from adapters.cli.terminal import print_line, print_table
from adapters.simulation.play import Play, Sight
from adapters.simulation.scenes import SCENES, Row, Rows, Scene
from adapters.simulation.simulation import Simulation
from domain.access.facts import Role
from domain.event import Event
from domain.money import Money
from projections.disclosure import NotAllowedError, require_service
from projections.history import Horizon
from projections.rendering import as_text
from streams.checkpoints.audit import AuditReport
from streams.checkpoints.note import Checkpoint

HOUR_S, DAY_S = 3600, 86_400
MOST_ROWS, WIDEST = 6, 70
AUDIENCES = {
    Role.SALES: "What sales sees",
    Role.MARKETING: "What marketing sees",
    Role.SUPPORT: "What support sees",
    Role.PARTNER: "What one partner sees: {supplier}, a supplier",
}
SEEN_AGAIN = {"best_customers"}
ACTS = {
    "load": "loading the year",
    "relay": "waiting for the topic",
    "fold": "folding all read models",
    "look": "asking all that was shown",
    "partner": "telling one partner, in every way",
    "erase": "erasing one person",
    "prove": "signing and auditing",
}


class Narrator:
    """Tells a newcomer what happens."""

    def __init__(self, folder: Path, *, is_kept: bool) -> None:
        self._folder, self._is_kept = folder, is_kept

    def begin(self, simulation: Simulation, kafka: str | None) -> None:
        head("A made-up company's year")
        print_line(f"{simulation.customers:,} customers, {simulation.events:,} events, seed {simulation.seed}.")
        print_line("Nobody in it is real, and no address leads anywhere.")
        fate = "kept" if self._is_kept else "removed at the end"
        print_line(f"{'PostgreSQL and Kafka run' if kafka else 'PostgreSQL runs'} in {self._folder}, which is {fate}.")

    def count(self, play: Play, *, through_kafka: bool) -> None:
        models = sum(len(service.models) for service in play.services)
        way = "were sent through Kafka (crm.events.v1) and" if through_kafka else "were"
        services = len(play.services)
        print_line(
            f"{play.facts:,} facts are in the ledger. They {way} folded into {models} tables of {services} services."
        )

    def show(self, play: Play, sight: Sight) -> None:
        audience: Role | None = None
        for scene in SCENES:
            if scene.role is not audience:
                audience = scene.role
                head(AUDIENCES[audience].format(supplier=sight.supplier))
            _show_scene(scene, sight.scenes[scene.name])
        _show_refusal(sight.supplier)
        head("What the auditor sees: one customer, over all aggregates")
        _show_history(play, sight.history)
        print_line(f"These are {len(sight.history)} facts in all, the first of each kind here.")
        print_line(f"{sight.by_summer} of them had occurred by the end of June: ask with `relato history … --as-of`.")

    def show_erased(self, play: Play, customer_id: UUID, before: Sight, after: Sight) -> None:
        known = play.history(customer_id, Horizon(known_at=before.history[-1].recorded_at))
        head("That customer asks to be forgotten")
        print_line(f"One command: relato do customer.erase --customer-id {customer_id}")
        print_line("It destroys the keys that seal their data; no row of the ledger changes. The same views again:")
        for scene in SCENES:
            if scene.name in SEEN_AGAIN or _concerns(customer_id, before.scenes[scene.name]):
                _show_scene(scene, after.scenes[scene.name])
        print_line("The auditor's timeline. Nothing is missing; who it was, nobody can read.")
        _show_history(play, after.history)
        print_line(f"{len(known)} facts were known before, with `--known-at`; now there are {len(after.history)}.")
        print_line("Every sum and every count above was compared: all are what they were.")

    def prove(self, play: Play, checkpoint: Checkpoint, report: AuditReport) -> None:
        head("The proof")
        print_line(f"The signed note covers all {checkpoint.size:,} rows, and its signature holds. Root of the tree:")
        print_line(f"  {checkpoint.root.hex()}")
        verdict = "sound" if report.is_sound else "; ".join(report.problems)
        print_line(f"Audit of {report.rows:,} rows, every hash, every numbering, every signed head: {verdict}.")
        facts = play.facts
        took = [(text, play.seconds[act]) for act, text in ACTS.items() if play.seconds[act]]
        rate = {"loading the year": facts, "folding all read models": facts * len(play.services)}
        print_table(
            ["what took", "seconds", "facts/s"],
            [[text, f"{s:.1f}", f"{rate[text] / s:,.0f}" if text in rate else ""] for text, s in took],
        )

    def end(self, customer_id: object, kafka: str | None) -> None:
        head("Try next")
        at = f"relato --home {self._folder}"
        kept = (f"{at} show pipeline_by_stage", f"{at} history {customer_id}", f"{at} audit verify")
        other = "relato up" if kafka else "relato demo --kafka"
        gone = ("relato demo --keep", other, "relato do --list")
        for command in kept if self._is_kept else gone:
            print_line(f"  {command}")


def head(text: str) -> None:
    typer.echo()
    typer.secho(f"── {text} ──", bold=True)


def _show_scene(scene: Scene, rows: Rows) -> None:
    print_line(f"{scene.title}. {scene.told.format(**rows[0]) if rows else 'There is nothing.'}")
    print_table(list(scene.columns.values()), [[_cell(row, column) for column in scene.columns] for row in rows])


def _cell(row: Row, column: str) -> Any:
    value = row[column]
    if column.endswith("_minor") and "currency" in row:
        return value if value is None else str(Money(amount_minor=value, currency=row["currency"]))
    if column.endswith("_minor"):
        return f"{value // 100:,}"
    if column.endswith("_s"):
        return _duration(float(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    return _cut(value) if isinstance(value, str) else value


def _duration(seconds: float) -> str:
    return f"{seconds / DAY_S:.1f} days" if seconds >= DAY_S else f"{seconds / HOUR_S:.1f} h"


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _show_refusal(supplier: str) -> None:
    try:
        require_service(Role.PARTNER, "sales")
    except NotAllowedError as error:
        print_line(f"{supplier} asks for the pipeline: {str(error).partition(';')[0]}.")


def _show_history(play: Play, events: Sequence[Event]) -> None:
    """The first fact of each kind of thing, in order; an erasure always."""
    chosen = _choose(events)
    contents = play.open(chosen)
    rows = [[event.occurred_at.astimezone(play.zone).date().isoformat(), _name(event), _cut(_tell(content))]
            for event, content in zip(chosen, contents, strict=True)]  # fmt: skip
    print_table(["when", "fact", "what"], rows)


def _choose(events: Sequence[Event]) -> Sequence[Event]:
    first: dict[str, Event] = {}
    for event in events:
        first.setdefault(event.type.split(".")[1], event)
    erasures = [event for event in events if event.type.endswith("person_erased.v1")]
    return [*list(first.values())[: MOST_ROWS - len(erasures)], *erasures]


def _name(event: Event) -> str:
    return event.type.removeprefix("crm.").removesuffix(".v1").replace(".", " ").replace("_", " ")


def _tell(content: Mapping[str, Any]) -> str:
    """Without ids, amounts as money, lists by their length."""
    return as_text({name.removesuffix("_minor"): _shorten(value) for name, value in content.items()
                    if not name.endswith(("_id", "_ids", "aliases"))})  # fmt: skip


def _shorten(value: Any) -> Any:
    if isinstance(value, Mapping) and value.keys() == {"amount_minor", "currency"}:
        return str(Money.model_validate(value))
    return len(value) if isinstance(value, list | tuple) else value


def _concerns(customer_id: object, rows: Rows) -> bool:
    return any(row.get("customer_id") == customer_id for row in rows)
