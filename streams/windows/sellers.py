"""Sellers' activity now: what each of them did within the last hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.event import Origin
from domain.interaction.facts import InteractionLogged
from domain.opportunity.facts import OpportunityAmended, OpportunityMoved, OpportunityOpened, OpportunityWon
from streams.shares import Share
from streams.windows.alerts import Raised
from streams.windows.rules import Rules
from streams.windows.window import Row

DEEDS = {
    InteractionLogged.TYPE: "interactions",
    OpportunityOpened.TYPE: "opened",
    OpportunityMoved.TYPE: "moved",
    OpportunityWon.TYPE: "won",
}


class Deed(NamedTuple):
    """Something that a seller did."""

    at: datetime
    seller_id: str
    kind: str


class Deal(NamedTuple):
    """Whose an opportunity is, as it was last told."""

    seller_id: str
    at: datetime


class Sellers:
    """Deeds are kept by position, not counted. Whose a deal is, a fact within what is kept must have told."""

    name, department, key = "activity", "sales", "seller_id"
    types = frozenset({*DEEDS, OpportunityAmended.TYPE})

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._deeds: dict[int, Deed] = {}
        self._deals: dict[UUID, Deal] = {}

    def take(self, share: Share) -> Iterable[Raised]:
        seller_id = self._seller_of(share)
        if seller_id and share.type in DEEDS and share.origin != Origin.IMPORT:
            self._deeds[share.position] = Deed(share.recorded_at, seller_id, DEEDS[share.type])
        return ()

    def _seller_of(self, share: Share) -> str | None:
        """An imported deal sets nothing off, but whose it is counts when it moves."""
        if share.type == InteractionLogged.TYPE:
            return share.content.get("employee_id")
        if told := share.content.get("seller_id"):
            self._deals[share.stream_id] = Deal(told, share.recorded_at)
        known = self._deals.get(share.stream_id)
        return known.seller_id if known else None

    def judge(self, until: datetime) -> Iterable[Raised]:
        oldest, oldest_deal = until - self._rules.activity, until - self._rules.kept
        self._deeds = {at: deed for at, deed in self._deeds.items() if deed.at > oldest}
        self._deals = {id_: deal for id_, deal in self._deals.items() if deal.at > oldest_deal}
        return ()

    def rows(self, now: datetime) -> Iterator[Row]:
        found: dict[str, list[Deed]] = {}
        for deed in self._deeds.values():
            if deed.at > now - self._rules.activity:
                found.setdefault(deed.seller_id, []).append(deed)
        for seller_id, deeds in found.items():
            counts = {kind: sum(deed.kind == kind for deed in deeds) for kind in DEEDS.values()}
            yield {"seller_id": seller_id, **counts, "last_at": max(deed.at for deed in deeds)}
