"""What is remembered of a feed: up to where its partner acknowledged tombstones, and that it closed."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.agreement.facts import AgreementId
from domain.fact import Fact

FeedId = NewType("FeedId", UUID)


class Closing(StrEnum):
    """Why nothing is left to be told: its tombstones were acknowledged, their time has passed, or there were none."""

    ACKNOWLEDGED = "acknowledged"
    DEADLINE = "deadline"
    UNTOLD = "untold"


class FeedAcknowledged(Fact):
    """The partner has done what the tombstones up to this number of its feed ask for."""

    TYPE = "crm.feed.acknowledged.v1"
    agreement_id: AgreementId
    through: int


class FeedClosed(Fact):
    """The agreement had ended, or its partner was removed; the feed told tombstones alone, and now nothing more."""

    TYPE = "crm.feed.closed.v1"
    agreement_id: AgreementId
    reason: Closing


FeedFact = FeedAcknowledged | FeedClosed
