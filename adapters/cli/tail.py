"""`relato tail`: the whole ledger, or what a department or a partner is told of it, from a place on, as it grows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from adapters.cli.facts import print_running
from adapters.cli.installation import Deployment, Installation, deployment_of
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import note
from domain.access.facts import Held
from domain.errors import RelatoError, UnknownError

if TYPE_CHECKING:
    from domain.ports import EventLog
    from streams.departments import Department

Told = tuple[Sequence[Any], Callable[[Any], Mapping[str, Any]] | None]

PAGE = 1_000
RECENT = 20
POLL_S = 0.2


class Transport(StrEnum):
    """By which way facts come; they are the same."""

    LEDGER = "ledger"
    KAFKA = "kafka"


class NotInTopicError(RelatoError):
    """The topic has not all of it any more, it keeps 30 days; the ledger has, so leave `--through kafka` out."""


def tail(
    ctx: typer.Context,
    *,
    from_: Annotated[
        int | None, typer.Option("--from", metavar="POSITION", min=0, help="From there on; else the last few.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="PATTERN", help="Only these, like 'crm.ticket.*'.")
    ] = None,
    department: Annotated[
        str | None, typer.Option("--department", metavar="NAME", help="What sales, marketing or support follows of it.")
    ] = None,
    partner: Annotated[
        UUID | None, typer.Option(metavar="ID", help="A partner's feeds, as they are told; --from counts in them.")
    ] = None,
    through: Annotated[
        Transport, typer.Option(help="kafka: the department's topic, which holds the last 30 days.")
    ] = Transport.LEDGER,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Made-up events in the form of the partner's feeds, also before they are.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
) -> None:
    """The ledger's facts by position.

    relato tail --follow --type 'crm.order.*'
    relato tail --department sales --from 1 --follow
    relato tail --department sales --from 1 --follow --through kafka

    relato tail --partner ID --from 1

    relato tail --partner ID --sandbox
    """
    if sandbox and (not partner or follow):
        raise WrongUseError(
            ["--sandbox: say whose with --partner; nothing is ever added, so there is nothing to follow"]
        )
    if partner:
        if department or type_:
            raise WrongUseError(["--partner: not with --department or --type"])
        deployment = deployment_of(ctx, "feeds")
        if sandbox:
            _tell_sandboxes(deployment, partner, from_ or 1, as_json=as_json)
        else:
            _tail_feeds(deployment, partner, from_, follow=follow, as_json=as_json)
        return
    if through is Transport.KAFKA and not department:
        raise WrongUseError(["--through kafka: say whose topic with --department"])
    deployment = deployment_of(ctx, None if department else "ledger")
    share = _share_for(deployment, department) if department else None
    with deployment.open() as installation:
        after = max(0, installation.ledger.last_position() - RECENT) if from_ is None else max(0, from_ - 1)
        told: Iterable[Told]
        if share and through is Transport.KAFKA:
            told = _told_by_kafka(deployment, share, after, follow=follow)
        else:
            told = _told_by_ledger(installation.ledger, share, after, follow=follow)
        for facts, share_of in told:
            wanted = [fact for fact in facts if type_ is None or fnmatchcase(fact.type, type_)]
            zone = deployment.time_zone
            print_running(wanted, installation.disclosure, zone, as_json=as_json, share_of=share_of)


def _told_by_ledger(ledger: EventLog, share: Department | None, after: int, *, follow: bool) -> Iterator[Told]:
    while (page := ledger.read(after, PAGE)) or follow:
        followed = [event for event in page if share.follows(event)] if share else page
        yield followed, share.share_of if share else None
        after = page[-1].position if page else after
        if not page:
            sys.stdout.flush()
            time.sleep(POLL_S)


def _told_by_kafka(deployment: Deployment, share: Department, after: int, *, follow: bool) -> Iterator[Told]:
    with deployment.open_share(share.name, after) as reader:
        while follow or not reader.has_caught_up:
            page = reader.poll(POLL_S)
            if reader.missing_before:
                raise NotInTopicError(before=reader.missing_before)
            yield page, lambda share: share.content
            sys.stdout.flush()


def _tail_feeds(deployment: Deployment, partner_id: UUID, from_: int | None, *, follow: bool, as_json: bool) -> None:
    from adapters.cli.feed import print_events  # noqa: PLC0415 loads every read model

    with deployment.open() as installation:
        feeds = list[UUID]()
        for one in _agreements(deployment, installation, partner_id):
            if one["feed_state"] == "suspended":
                note(f"nothing of agreement {one['agreement_id']}, which is suspended")
            elif one["feed_state"] in ("open", "ending"):
                feeds.append(one["agreement_id"])
        heads, read = installation.feeds.heads(feeds), installation.deliveries.read
        furthest = max(heads.values(), default=0)
        after = {feed: _begin(from_, heads[feed], furthest) for feed in feeds}
        while True:
            found = [(feed, read(feed, installation.feed_disclosure.open_within, after=after[feed], limit=PAGE))
                     for feed in feeds]  # fmt: skip
            for feed, page in found:
                print_events(page.events, deployment.time_zone, as_json=as_json)
                after[feed] = page.next
            if not any(page.events for _, page in found):
                if not follow:
                    return
                sys.stdout.flush()
                time.sleep(POLL_S)


def _tell_sandboxes(deployment: Deployment, partner_id: UUID, from_: int, *, as_json: bool) -> None:
    from adapters.cli.feed import print_events  # noqa: PLC0415 loads every read model
    from adapters.cli.feed_documents import documents_of  # noqa: PLC0415 the same
    from streams.feeds.sandbox import Sandbox  # noqa: PLC0415 the same

    with deployment.open() as installation:
        for one in _agreements(deployment, installation, partner_id):
            if one["feed_state"] not in ("ending", "closed"):
                found = documents_of(deployment, installation, one["agreement_id"], None)
                sandbox = Sandbox(found.feed, found.agreement, found.version, found.source)
                print_events(sandbox.events()[from_ - 1 :], deployment.time_zone, as_json=as_json)


def _begin(from_: int | None, head: int, furthest: int) -> int:
    """After which number; where only others have come so far, at the end of this one."""
    if from_ is None:
        return max(0, head - RECENT)
    return max(0, from_ - 1 if from_ > furthest else min(from_ - 1, head))


def _agreements(deployment: Deployment, installation: Installation, partner_id: UUID) -> Sequence[Mapping[str, Any]]:
    """Raises UnknownError."""
    from adapters.cli.listing import AGREEMENTS, rows_of  # noqa: PLC0415 loads every read model

    found = [one for one in rows_of(deployment, installation, AGREEMENTS) if one["partner_id"] == partner_id]
    if not found:
        raise UnknownError("no agreement with such a partner; `relato show agreements` has them", partner=partner_id)
    return found


def _share_for(deployment: Deployment, name: str) -> Department:
    from streams.departments import find_department, grant_for  # noqa: PLC0415 loads every fact

    department = find_department(name)
    grant_for(frozenset({Held(deployment.role, deployment.scope)}), name)
    return department
