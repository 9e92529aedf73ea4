"""`relato feed`: partners' feeds, and what a partner would be told before an agreement is activated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from adapters.cli.asking import grant_in
from adapters.cli.feed_documents import documents
from adapters.cli.feed_tombstones import tombstones
from adapters.cli.installation import deployment_of
from adapters.cli.listing import AGREEMENTS, rows_of
from adapters.cli.moments import parse_time, show_time
from adapters.cli.refusals import WrongUseError
from adapters.cli.terminal import note, print_json, print_line, print_rows
from domain.access.facts import Rows
from domain.errors import UnknownError
from domain.period import require_period
from projections.disclosure import NotAllowedError
from projections.rendering import as_text
from streams.feeds.disclosing import CloudEvent
from streams.feeds.preview import Period, Preview

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What partners are told: their feeds, their documents, what they are to delete, and a preview of a feed."
    " `relato do agreement.draft` begins an agreement.",
)
COLUMNS = (
    *("partner_name", "purpose", "state", "scope", "in_force", "feed_state", "entries", "acknowledged", "unfit", "why"),
    "agreement_id",
)
AsJson = Annotated[bool, typer.Option("--json", help="A JSON object on each line.")]
app.command()(documents)
app.command()(tombstones)


@app.command("list")
def list_(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """The agreements, how many entries each one's feed has, up to which its partner has acknowledged tombstones, and
    about how many facts its row filter could not be asked.

    relato feed list
    """
    deployment = deployment_of(ctx, "feeds")
    with deployment.open() as installation:
        agreements = list(rows_of(deployment, installation, AGREEMENTS))
        heads = installation.feeds.heads([one["agreement_id"] for one in agreements])
        misfits = installation.feeds.misfits()
    rows = [{**one, "entries": heads[one["agreement_id"]], **_told(misfits.get(one["agreement_id"]))}
            for one in agreements]  # fmt: skip
    print_rows(COLUMNS, rows, as_json=as_json)


@app.command()
def preview(
    ctx: typer.Context,
    agreement_id: Annotated[UUID, typer.Argument(metavar="AGREEMENT", help="Its id, activated or not.")],
    *,
    version: Annotated[int | None, typer.Option(min=1, help="By default the newest one.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="What occurred from then on, like 2026-03-01.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="What occurred before then.")] = None,
    as_json: AsJson = False,
) -> None:
    """What the partner would be told of a past period, if the agreement held. Nothing is passed on by it.

        relato feed preview AGREEMENT --from 2026-03-01 --until 2026-04-01

    It reads the whole ledger. Consents and erasures are those of now; personal values that the agreement names are
    opened, which is noted as any reading is.
    """
    deployment = deployment_of(ctx, "feeds")
    if grant_in(deployment).rows is not Rows.ALL:
        raise NotAllowedError("what partners would be told is not for who does not see all rows")
    zone = deployment.time_zone
    period = Period(_moment("--from", since, zone), _moment("--until", until, zone))
    require_period(period.since, period.until)
    with deployment.open() as installation:
        deliveries = installation.deliveries
        agreement = deliveries.agreement(agreement_id)
        number = version or len(agreement.versions)
        if number > len(agreement.versions):
            raise UnknownError(agreement=agreement_id, version=number)
        found = Preview(agreement_id, agreement, number, deliveries.filters, period)
        feed, count = deliveries.as_if(agreement_id, agreement, number), 0
        for page in found.deliveries(installation.ledger):
            events = deliveries.disclosed(page, feed, installation.feed_disclosure.open_within) if page else ()
            print_events(events, zone, as_json=as_json)
            count += len(events)
    note(f"{count:,} events")
    if found.unpermitted:
        note(f"{found.unpermitted:,} facts more are of customers without the consent that the agreement needs")
    if found.misfits:
        note(f"the row filter could not be asked about {len(found.misfits):,} facts, which do not count: "
             f"{found.misfits[-1]}")  # fmt: skip


def print_events(events: Sequence[CloudEvent], zone: ZoneInfo, *, as_json: bool) -> None:
    for event in events:
        if as_json:
            print_json(event)
        else:
            print_line(_line(event, zone))


def _line(event: CloudEvent, zone: ZoneInfo) -> str:
    at = show_time(datetime.fromisoformat(event["time"]), zone) if "time" in event else ""
    name = event["type"].removeprefix("crm.").removesuffix(".v1")
    cells = (event["feedseq"], at, name, event.get("subject", ""), as_text(event["data"]))
    return "  ".join(as_text(cell) for cell in cells).replace("\n", " ")


def _told(misfits: Any) -> Mapping[str, Any]:
    return {"unfit": misfits.facts if misfits else 0, "why": misfits.reason if misfits else None}


def _moment(option: str, typed: str | None, zone: ZoneInfo) -> datetime | None:
    """A day begins in the company's time zone."""
    if typed is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(typed), time(), zone)
    except ValueError:
        pass
    try:
        return parse_time(option, typed)
    except WrongUseError as error:
        raise WrongUseError([f"{option}: write a day like 2026-03-01, or a time with its offset"]) from error
