"""The read models of support, and what each view tells."""

from __future__ import annotations

from projections.engine.readmodel import Service
from projections.marketing.customer_profile import customer_profile
from projections.sales.employees import employees
from projections.support.resolutions import resolutions
from projections.support.tickets import Ticket, tickets
from projections.view import View

support = Service(name="support", read_models=(employees, customer_profile, tickets, resolutions))

VIEWS = (
    View(
        name="ticket_queue",
        title="Ticket queue",
        help="Open tickets with their age and how long they have been as they are, in seconds; rank 1 is urgent.",
        columns=(
            *("rank", "priority", "status", "age_s", "in_status_s", "severity", "category", "channel", "agent_name"),
            *("customer_name", "summary", "opened_at", "changed_at", "first_response_at", "reopenings", "ticket_id"),
            *("agent_id", "product_id", "subject_id", "customer_id"),
        ),
        sealed=("agent_name", "customer_name", "summary"),
        key=("rank", "opened_at", "ticket_id"),
        subject="subject_id",
    ),
    View(
        name="tickets",
        title="Tickets",
        help="All tickets, closed ones too.",
        columns=("customer_name", "agent_name", *Ticket._fields, "customer_id"),
        sealed=("customer_name", "agent_name", "summary"),
        key=("ticket_id",),
        subject="subject_id",
    ),
    View(
        name="resolutions",
        title="Resolutions",
        help="Each resolution that was offered: by whom, and how many seconds after the opening or the last reopening.",
        columns=(
            *("ticket_id", "number", "agent_name", "resolved_at", "duration_s", "category", "agent_id", "subject_id"),
            "customer_id",
        ),
        sealed=("agent_name",),
        key=("ticket_id", "number"),
        subject="subject_id",
    ),
    View(
        name="resolution_by_agent",
        title="Time to resolution by agent",
        help="Resolutions of each agent, with the mean, the median and the 90th percentile of their seconds.",
        columns=("agent_name", "resolutions", "median_s", "mean_s", "p90_s", "last_at", "agent_id"),
        sealed=("agent_name",),
        key=("agent_id",),
    ),
)
