"""`relato feed tombstones`: what partners were told to delete, and when each of them acknowledged it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, cast
from uuid import UUID

import typer

from adapters.cli.installation import Installation, deployment_of
from adapters.cli.listing import AGREEMENTS, rows_of
from adapters.cli.terminal import print_rows
from adapters.postgres.feeds import Tombstone
from domain.event import Event
from domain.feed.facts import FeedAcknowledged
from projections.history import Horizon, read_subjects

COLUMNS = (
    *("partner_name", "reason", "customer_id", "types", "told_at", "acknowledged_at", "acknowledged_by", "feed_seq"),
    "agreement_id",
)


def tombstones(
    ctx: typer.Context,
    *,
    agreement: Annotated[UUID | None, typer.Option(metavar="ID", help="Only this one's.")] = None,
    customer: Annotated[
        UUID | None, typer.Option(metavar="ID", help="Only those about this customer, by any id.")
    ] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Only those that are not acknowledged.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
) -> None:
    """What partners were told to delete, and when each of them acknowledged it.

    relato feed tombstones --customer CUSTOMER

    relato feed tombstones --open
    """
    deployment = deployment_of(ctx, "ledger")
    with deployment.open() as installation:
        names = {one["agreement_id"]: one["partner_name"] for one in rows_of(deployment, installation, AGREEMENTS)}
        feeds = [feed for feed in names if agreement in (None, feed)]
        receipts = {feed: _receipts(installation, feed) for feed in feeds}
        subject_ids = _ids_of(installation, customer) if customer else None
        found = installation.feeds.tombstones(feeds)
    told = [one for one in found if subject_ids is None or one.subject_id in subject_ids]
    rows = [{"partner_name": names[one.feed], **_told_tombstone(one, receipts[one.feed])} for one in told]
    if is_open:
        rows = [row for row in rows if row["acknowledged_at"] is None]
    print_rows(COLUMNS, rows, as_json=as_json)


def _ids_of(installation: Installation, customer_id: UUID) -> Collection[UUID]:
    """All under which feeds may have told of the customer."""
    subjects = read_subjects(customer_id, installation.ledger, installation.identities, Horizon())
    return {customer_id, *subjects}


def _receipts(installation: Installation, feed: UUID) -> Sequence[Event]:
    """The facts by which the feed's partner acknowledged something."""
    events = installation.ledger.load([installation.deliveries.stream_of(feed)])
    return [event for event in events if isinstance(event.fact, FeedAcknowledged)]


def _told_tombstone(one: Tombstone, receipts: Sequence[Event]) -> Mapping[str, Any]:
    covering = (event for event in receipts if cast("FeedAcknowledged", event.fact).through >= one.feed_seq)
    receipt = next(covering, None)
    return {
        "reason": one.reason,
        "customer_id": one.subject_id,
        "types": one.types,
        "told_at": one.told_at,
        "acknowledged_at": receipt.recorded_at if receipt else None,
        "acknowledged_by": receipt.actor if receipt else None,
        "feed_seq": one.feed_seq,
        "agreement_id": one.feed,
    }
