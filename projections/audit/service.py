"""The read model of the auditors, and what its view tells."""

from __future__ import annotations

from projections.audit.timeline import Entry, timeline
from projections.engine.readmodel import Service
from projections.view import View

audit = Service(name="audit", read_models=(timeline,))

VIEWS = (
    View(
        name="timeline",
        title="Timeline",
        help="Every fact as stored, by the customer it concerns now; what concerns none stands under its own id.",
        columns=(*Entry._fields, "customer_id"),
        sealed=("data",),
        key=("position",),
        subject="subject_id",
    ),
)
