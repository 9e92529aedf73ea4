"""`relato history`: one customer's facts over all aggregates, from the ledger itself."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from adapters.cli.asking import require_theirs
from adapters.cli.facts import print_facts
from adapters.cli.installation import deployment_of
from adapters.cli.moments import parse_time
from adapters.cli.terminal import note
from domain.access.facts import Held
from domain.errors import UnknownError
from projections.history import Horizon, read_history


def history(
    ctx: typer.Context,
    customer: Annotated[UUID, typer.Argument(help="The customer's id, or one that turned out to be the customer's.")],
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help="What had occurred by then.")] = None,
    known_at: Annotated[str | None, typer.Option(metavar="TIME", help="What had been recorded by then.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False,
) -> None:
    """A customer's facts over all aggregates, in the order in which they were recorded.

    A role that does not read the whole ledger is told what its department follows. With them come those of customers
    that were merged with this one, and of anonymous orders, tickets and opportunities that turned out to be the
    customer's.

        relato history 0199b0c2-… --known-at 2026-03-31T12:00:00Z
    """
    from streams.departments import tell_history  # noqa: PLC0415 loads every fact

    deployment = deployment_of(ctx, "history")
    horizon = Horizon(parse_time("--as-of", as_of), parse_time("--known-at", known_at))
    with deployment.open() as installation:
        require_theirs(deployment, installation, customer)
        events = read_history(customer, installation.ledger, installation.identities, horizon)
        if not events and not installation.ledger.read_subject(customer, 0, 1):
            raise UnknownError(customer=customer)
        told, share_of = tell_history(events, frozenset({Held(deployment.role, deployment.scope)}))
        print_facts(told, installation.disclosure, deployment.time_zone, as_json=as_json, share_of=share_of)
        if left_out := len(events) - len(told):
            note(f"{left_out:,} more are not for the role {deployment.role}")
