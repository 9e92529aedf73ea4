"""`relato status`: position, lag, parked facts, relay, checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from adapters.cli.installation import Deployment, deployment_of
from adapters.cli.overview import Overview, SubscriberOverview, look
from adapters.cli.terminal import print_line, print_table
from domain.errors import RelatoError


class Status(Overview):
    """`subscribers` is None where Kafka is not in use, or does not answer."""

    subscribers: list[SubscriberOverview] | None


def status(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False
) -> None:
    """How far every part has come: the ledger, each service's read models, the relay, the checkpoint.

    relato status --json
    """
    deployment = deployment_of(ctx)
    with deployment.open() as installation:
        overview = look(deployment.services, installation)
    told, reason = _list_subscribers(deployment)
    if as_json:
        print_line(Status(**overview.model_dump(), subscribers=told).model_dump_json())
        return
    _print(overview)
    if reason:
        print_line(f"subscribers {reason}")
    if told:
        print_table(["subscriber", "topic", "records behind"], [[one.group, one.topic, one.behind] for one in told])


def _list_subscribers(deployment: Deployment) -> tuple[list[SubscriberOverview] | None, str]:
    """None, and why, where they cannot be asked; without Kafka there is nothing to ask."""
    try:
        found = deployment.list_subscribers()
    except RelatoError as error:
        return None, str(error)
    return None if found is None else [SubscriberOverview(**one._asdict()) for one in found], ""


def _print(overview: Overview) -> None:
    print_line(f"ledger      position {overview.position}")
    for n, line in enumerate(_describe_relays(overview)):
        print_line(f"{'' if n else 'relay':12}{line}")
    print_line(f"checkpoint  {_describe_checkpoint(overview)}")
    print_line(f"eraser      {'nothing to do yet' if overview.eraser is None else f'position {overview.eraser}'}")
    print_line(f"feeds       {'never ran' if overview.feeds is None else f'position {overview.feeds}'}")
    if overview.partner_topics:
        told = [[one.name, one.sent, one.behind] for one in overview.partner_topics]
        print_table(["partner topic", "sent up to", "entries behind"], told)
    if overview.endpoints:
        print_line(f"webhooks    {_describe_endpoints(overview)}")
    for ending in overview.endings:
        print_line(f"feed ends   {ending.partner_name}, acknowledged {ending.acknowledged}: {ending.agreement_id}")
    if overview.refused_events:
        print_line(f"quarantine  {overview.refused_events} events of partners were refused; `relato inbound list`")
    rows = [[s.service, s.workers, s.behind, s.parked, len(s.stopped)] for s in overview.services]
    print_table(["service", "workers", "facts behind", "parked", "stopped"], rows)
    for service in overview.services:
        for stopped in service.stopped:
            since = stopped.since.isoformat(timespec="seconds")
            print_line(f"{service.service}.{stopped.read_model} stopped since {since}: {stopped.reason}")


def _describe_endpoints(overview: Overview) -> str:
    troubled = [one for one in overview.endpoints if one.state != "active"]
    told = [f"{one.endpoint_id} {one.state}, {one.behind} behind: {one.reason}" for one in troubled]
    behind = sum(one.behind for one in overview.endpoints)
    return "\n            ".join([f"{len(overview.endpoints)} endpoints, {behind} behind", *told])


def _describe_relays(overview: Overview) -> Iterator[str]:
    if not overview.relays:
        yield "never ran"
    for topic, position in sorted(overview.relays.items()):
        yield f"{topic} position {position}, {max(0, overview.position - position)} behind"


def _describe_checkpoint(overview: Overview) -> str:
    if overview.checkpoint_at is None:
        return "none yet; `relato audit checkpoint` signs one, and `relato up` every second"
    age = int((datetime.now(UTC) - overview.checkpoint_at).total_seconds())
    return f"covers {overview.checkpoint_size}, {overview.uncovered} since; signed {age} s ago"
