"""`GET /v1/customers/<id>` and its history: one customer, whatever ids they were known by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path, Query, Response

from adapters.http.answers import Answer, in_json
from adapters.http.freshness import await_folded
from adapters.http.paging import read_view
from adapters.http.parts import Parts
from adapters.http.principal import Caller, Principal
from adapters.http.schemas import CUSTOMER_ANSWER, HISTORY_ANSWER, problems_for
from adapters.http.views import Token
from domain.access.facts import Rows
from domain.errors import UnknownError
from domain.moments import Moment
from projections.asking import ask, owner_column
from projections.catalogue import VIEWS, Shown
from projections.disclosure import allowed, grant_of, seen
from projections.facts import opened, record_of
from projections.history import Horizon, read_page
from projections.rendering import as_many_as_fit, marked
from streams.departments import history_share

FEW = 20
PROFILE = VIEWS["customer_profile"]
BY_HISTORY = "audit"  # its timeline is what the history tells
CustomerPath = Annotated[UUID, Path(description="The customer's id, or one that turned out to be the customer's.")]
AsOf = Annotated[Moment | None, Query(description="What had occurred by then.")]
KnownAt = Annotated[Moment | None, Query(description="What had been recorded by then.")]
After = Annotated[int, Query(ge=0, lt=2**63, description="`next` of the page before.")]
HistoryLimit = Annotated[int, Query(ge=1, le=1_000)]


def add_customers(app: FastAPI, parts: Parts) -> None:
    async def read_customer(caller: Caller, customer_id: CustomerPath, token: Token = None) -> Response:
        allowed(caller.roles, "history")
        for service in _services_of(caller):
            await await_folded(parts, service, token)
        answer = await parts.workers.run(_read_customer, parts, caller, customer_id)
        return answer.response()

    async def read_facts(
        caller: Caller,
        customer_id: CustomerPath,
        *,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        after: After = 0,
        limit: HistoryLimit = 200,
    ) -> Response:
        allowed(caller.roles, "history")
        horizon = Horizon(as_of, known_at)
        teller = await parts.workers.run(_as_they_see, parts, caller, customer_id)
        answer = await parts.workers.run(_read_history, parts, teller, customer_id, horizon, after=after, limit=limit)
        return answer.response()

    more: dict[str, Any] = {"methods": ["GET"], "tags": ["customers"], "response_class": Response}
    problems = problems_for(401, 403, 404, 422, 503)
    app.add_api_route(
        "/v1/customers/{customer_id}",
        read_customer,
        summary="One customer",
        description=f"Who they are, and the first {FEW} rows of each read model that your role sees of them.",
        operation_id="customers.read",
        responses={200: CUSTOMER_ANSWER, **problems},
        **more,
    )
    app.add_api_route(
        "/v1/customers/{customer_id}/history",
        read_facts,
        summary="A customer's history",
        description="All facts of all aggregates, from the ledger itself, in the order in which they were recorded;"
        " those of merged customers and of what was anonymous at first, too. Who does not read the whole ledger is told"
        " what their departments follow; `left_out` is how many facts that leaves out.",
        operation_id="customers.history",
        responses={200: HISTORY_ANSWER, **problems},
        **more,
    )


def _services_of(caller: Principal) -> list[str]:
    """The services whose read models this principal sees customers in."""
    seen_by_roles = allowed(caller.roles, "history").services
    return [service for service in dict.fromkeys(shown.service for shown in VIEWS.values())
            if service in seen_by_roles and service != BY_HISTORY]  # fmt: skip


def _keeping(caller: Principal) -> list[str]:
    """Those of them that keep customers themselves; partners only know what was ordered of them."""
    return [service for service in _services_of(caller) if service != "partners"]


def _read_customer(parts: Parts, caller: Principal, customer_id: UUID) -> Answer:
    """The profile as the first service that keeps it has it, and a page of each view that is told by customer."""
    if not parts.log.read_subject(customer_id, 0, 1):
        raise UnknownError(customer=customer_id)
    profile: list[Any] = []
    if keeping := _keeping(caller):
        profile = _profile(parts, caller, customer_id, keeping[0])
    told: dict[str, Any] = {"customer_id": customer_id, "profile": profile}
    for shown in VIEWS.values():
        if shown.service in keeping and shown.view.subject and shown != PROFILE and _says_whose(caller, shown):
            told.setdefault(shown.service, {})[shown.view.name] = _page(parts, caller, shown, customer_id)
    if not profile and allowed(caller.roles, "history").rows is not Rows.ALL and not _any_rows(told):
        raise UnknownError(customer=customer_id)
    return in_json(told)


def _says_whose(caller: Principal, shown: Shown) -> bool:
    """Whether those of the view's rows that the caller may see can be told from the others."""
    grant = seen(caller.roles, shown.service)
    return grant.rows is Rows.ALL or owner_column(shown.view, grant) is not None


def _any_rows(told: Mapping[str, Any]) -> bool:
    return any(page["rows"] for views in told.values() if isinstance(views, dict) for page in views.values())


def _profile(parts: Parts, caller: Principal, customer_id: UUID, service: str) -> list[Any]:
    rows: list[Any] = _page(parts, caller, Shown(service, PROFILE.view), customer_id)["rows"]
    return rows


def _as_they_see(parts: Parts, caller: Principal, customer_id: UUID) -> Principal:
    """The caller, with those of their roles that see this customer: they see all rows, or it is theirs.

    Raises UnknownError where none of them does.
    """
    telling = {held: grant_of(held) for held in caller.roles if grant_of(held).history}
    wide = frozenset(held for held, grant in telling.items() if grant.rows is Rows.ALL)
    if narrow := telling.keys() - wide:
        seller = caller._replace(roles=frozenset(narrow))
        if any(_profile(parts, seller, customer_id, service) for service in _keeping(seller)):
            return caller
    if not wide:
        raise UnknownError(customer=customer_id)
    return caller._replace(roles=wide)


def _page(parts: Parts, caller: Principal, shown: Shown, customer_id: UUID) -> dict[str, Any]:
    question = ask(shown.view, seen(caller.roles, shown.service), caller, (), None)
    page = read_view(parts, caller, shown.service, question, limit=FEW, customer_id=customer_id)
    return {"rows": [marked(row, shown.view.sealed) for row in page.rows], "more": page.next is not None}


def _read_history(
    parts: Parts, caller: Principal, customer_id: UUID, horizon: Horizon, *, after: int, limit: int
) -> Answer:
    share, further = history_share(caller.roles), limit + 1
    types, share_of = (share.stored_types, share.share_of) if share else (None, None)
    page = read_page(customer_id, parts.log, parts.identities, horizon, after=after, limit=further, types=types)
    if page is None:
        raise UnknownError(customer=customer_id)
    disclosure = parts.disclosure(caller, allowed(caller.roles, "history"))
    told = as_many_as_fit(opened(page.events[:limit], disclosure, share_of))
    next_ = told[-1][0].position if len(page.events) > len(told) else None
    facts = [marked(record_of(event, content)) for event, content in told]
    return in_json({"facts": facts, "next": next_, "left_out": page.left_out})
