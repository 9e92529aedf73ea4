"""The peer: an application of the `eventsourcing` library on PostgreSQL, set up as its documentation does it.

Its own database on the same server, the library's PostgreSQL persistence module with default settings but a
connection for each caller. It seals and hashes nothing, and has no command ids: it does less than our side.
"""

from __future__ import annotations

from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

CLOSED = "closed"


class Ticket(Aggregate):
    """What the rules need to know of a ticket, as our own decider does."""

    @event("Opened")
    def __init__(self, customer_id: UUID, summary: str) -> None:
        self.customer_id, self.summary, self.status, self.notes = customer_id, summary, "new", 0

    @event("Noted")
    def note(self, activity: str, content: str) -> None:
        if self.status == CLOSED and not activity and not content:
            raise ValueError("give an activity, a content, or both")
        self.notes += 1


class Desk(Application[UUID]):
    """Load the aggregate, decide, save."""

    def open(self, customer_id: UUID, summary: str) -> UUID:
        ticket = Ticket(customer_id, summary)
        self.save(ticket)
        return ticket.id

    def note(self, ticket_id: UUID, activity: str, content: str) -> None:
        ticket: Ticket = self.repository.get(ticket_id)
        ticket.note(activity, content)
        self.save(ticket)


def environment(owner_dsn: str, *, connections: int) -> dict[str, str]:
    """For an application, or a projection, of the library."""
    where = conninfo_to_dict(owner_dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(where["dbname"]),
        "POSTGRES_HOST": str(where["host"]),
        "POSTGRES_PORT": str(where["port"]),
        "POSTGRES_USER": str(where["user"]),
        "POSTGRES_PASSWORD": "",
        "POSTGRES_POOL_SIZE": str(connections),
        "POSTGRES_MAX_OVERFLOW": "0",
    }


def make_database(owner_dsn: str, name: str) -> None:
    with psycopg.connect(owner_dsn, autocommit=True) as db:
        db.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
