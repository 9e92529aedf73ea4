"""The demonstration as it is performed: a year, a partner, an erasure, a parting, a proof; told, or in a digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

from adapters.cli.narration import Narrator
from adapters.cli.partner_narration import tell_begun, tell_forgotten, tell_parted
from adapters.cli.waiting import bar
from adapters.simulation.digest import digest_events, digest_views
from adapters.simulation.partnership import Begun, Forgotten, Parted, Partnership
from adapters.simulation.play import Play, Sight
from adapters.simulation.scenes import SCENES, without_names
from domain.access.facts import Role
from domain.errors import RelatoError

Digest = Mapping[str, Any]


class DemoFailedError(RelatoError):
    """The demonstration did not show what it promises."""


def perform(play: Play, kafka: str | None, narrator: Narrator | None) -> Digest:
    """Its digest; with a narrator only who was erased."""
    with bar("loading the year", play.simulation.events) as tell:
        play.load(lambda loaded: tell(loaded.commands))
    _bring_up(play)
    with _partnered(play) as partnership:
        begun, customer_id = _begin(play, partnership)
        before = play.look(customer_id)
        if narrator:
            narrator.count(play, through_kafka=kafka is not None)
            narrator.show(play, before)
            tell_begun(partnership.name, begun)
        was = {} if narrator else _digest(play, before)
        after, forgotten = _erase(play, partnership, customer_id)
        _require_same_figures(before, after)
        if narrator:
            narrator.show_erased(play, customer_id, before, after)
            tell_forgotten(partnership.name, forgotten)
        become = {} if narrator else _digest(play, after)
        with bar("parting from the partner"):
            parted = partnership.part()
    if narrator:
        tell_parted(partnership.name, parted)
    _prove(play, narrator)
    if narrator:
        narrator.end(customer_id, kafka)
    told = _digest_partner(begun, forgotten, parted)
    return _company(play, customer_id) | {"before": was, "after": become, "partner": told}


def _bring_up(play: Play) -> None:
    """What was written comes into the read models, by Kafka if there is one."""
    with bar("sending through Kafka" if play.publish else "reading the ledger"):
        play.stream()
    with bar("folding", len(play.services)) as tell:
        play.fold(tell)


@contextmanager
def _partnered(play: Play) -> Iterator[Partnership]:
    with play.open_feeds() as stage, closing(Partnership(play, stage)) as partnership:
        yield partnership


def _begin(play: Play, partnership: Partnership) -> tuple[Begun, UUID]:
    """What the partner was told, and who is to be erased."""
    with bar("telling a partner"):
        begun = partnership.begin()
    _bring_up(play)
    return begun, play.choose_person(partnership.is_told_of(begun.told))


def _erase(play: Play, partnership: Partnership, customer_id: UUID) -> tuple[Sight, Forgotten]:
    play.erase(customer_id)
    _bring_up(play)
    return play.look(customer_id), partnership.forget()


def _require_same_figures(before: Sight, after: Sight) -> None:
    for scene in SCENES:
        if without_names(scene, before.scenes[scene.name]) != without_names(scene, after.scenes[scene.name]):
            raise DemoFailedError("an erasure changed a figure", view=scene.name)


def _prove(play: Play, narrator: Narrator | None) -> None:
    with bar("auditing", play.facts) as tell:
        checkpoint, report = play.prove(tell)
    if narrator:
        narrator.prove(play, checkpoint, report)
    if not report.is_sound or checkpoint.size != play.facts:
        raise DemoFailedError("the audit found faults", problems="; ".join(report.problems))


def _company(play: Play, customer_id: UUID) -> dict[str, Any]:
    simulation = play.simulation
    return {
        "customers": simulation.customers,
        "events": simulation.events,
        "seed": simulation.seed,
        "year": simulation.year,
        "facts": play.facts,
        "audited": "sound",
        "erased": customer_id,
    }


def _digest(play: Play, sight: Sight) -> Digest:
    """The same whenever and however it was folded: without times of recording, and without what depends on today."""
    views = digest_views(play.installation.connect, play.viewer.as_role(Role.ADMINISTRATOR), play.zone)
    return {"history": len(sight.history), "scenes": sight.scenes, "views": views}


def _digest_partner(begun: Begun, forgotten: Forgotten, parted: Parted) -> Digest:
    """The same by whichever ways it was told."""
    return {
        "previewed": digest_events(begun.previewed),
        "told": digest_events(begun.told),
        "answers": [answer._asdict() for answer in begun.answers],
        "forgotten": digest_events(forgotten.told),
        "anew": digest_events(forgotten.anew),
        "at_last": digest_events(parted.anew),
    }
