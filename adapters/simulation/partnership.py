"""A partner of the demonstration: agreed with, told in every way there is, heard, told to forget, and parted from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any, NamedTuple
from uuid import UUID

import httpx

from adapters.access.api_key import new_key
from adapters.cli.installation import FeedStage
from adapters.simulation.agreed import terms_of, topic_name
from adapters.simulation.answers import Answers, answers_of, batch_of
from adapters.simulation.play import Play
from adapters.simulation.ways import PATIENCE_S, Event, Hook, LateError, Pull, Stream, Topic, Way, answering
from domain.access.commands import AdmitPrincipal, GrantRole, IssueKey
from domain.access.facts import AccessId, KeyRevoked, Role
from domain.agreement.commands import ActivateAgreement, DraftAgreement
from domain.agreement.facts import AgreementId
from domain.endpoint.commands import AddEndpoint
from domain.endpoint.facts import EndpointId
from domain.errors import RelatoError
from domain.partner.commands import RemovePartner
from domain.partner.facts import PartnerId
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD
from streams.feeds.preview import Period, Preview

GLANCE_S = 0.02


class WaysDifferError(RelatoError):
    """A partner was not told the same in every way."""


class StaysOpenError(RelatoError):
    """A partner that was removed is told more still."""


class Begun(NamedTuple):
    """What was foreseen, what came of it by each of the ways, and what the partner's own events were answered."""

    previewed: Sequence[Event]
    ways: Sequence[str]
    told: Sequence[Event]
    answers: Answers


class Forgotten(NamedTuple):
    """What was `told` since an erasure, and the feed as it reads from its beginning now."""

    told: Sequence[Event]
    anew: Sequence[Event]


class Parted(NamedTuple):
    """What the feed tells from its beginning on once the partner is none; `had_topic`: it was told by Kafka too."""

    anew: Sequence[Event]
    had_topic: bool


class Partnership:
    """`close` lets go of the ways."""

    def __init__(self, play: Play, stage: FeedStage) -> None:
        self._play, self._stage, self._stack = play, stage, ExitStack()
        self.partner_id, self.name = play.viewer.find_supplier()
        self.feed = play.seeded_id(f"agreement {self.partner_id}")
        self._key = new_key(play.seeded_id(f"key {self.partner_id}"))
        bearer = {"Authorization": f"Bearer {self._key.text}"}
        self._client = httpx.Client(base_url=stage.url, headers=bearer, timeout=PATIENCE_S)
        self._stack.callback(self._client.close)
        self._ways: Sequence[Way] = ()

    def close(self) -> None:
        self._stack.close()

    def begin(self) -> Begun:
        with self._play.timed("partner"):
            self._order(
                DraftAgreement, partner_id=PartnerId(self.partner_id), terms=terms_of(self._play.simulation.year)
            )
            previewed = self._preview()
            self._order(ActivateAgreement)
            self._ways = self._open_ways()
            told = self.follow()
            _require_foreseen(previewed, told)
            answers = self._answer(told)
            return Begun(previewed, [way.name for way in self._ways], [*told, *self.follow()], answers)

    def is_told_of(self, told: Sequence[Event]) -> Callable[[UUID], bool]:
        """Whether a customer is among those whom the partner knows by names of its own."""
        pseudonym = self._play.installation.deliveries.find(self.feed).pseudonym
        subjects = {event["subject"] for event in told if "subject" in event}
        return lambda customer_id: str(pseudonym(customer_id)) in subjects

    def forget(self) -> Forgotten:
        """After an erasure."""
        with self._play.timed("partner"):
            return Forgotten(self.follow(), self._read_anew())

    def part(self) -> Parted:
        """The partner is removed; it does what the tombstones ask for, and says so."""
        with self._play.timed("partner"):
            self._play.order(RemovePartner(partner_id=PartnerId(self.partner_id)), f"removal {self.partner_id}")
            self.follow()
            anew = self._read_anew()
            with answering():
                done = {"through": anew[-1]["feedseq"]}
                self._client.post(f"/v1/feeds/{self.feed}/acknowledged", json=done).raise_for_status()
            self._await(self._is_key_revoked, "its key is revoked")
            self._require_closed()
            return Parted(anew, any(isinstance(way, Topic) for way in self._ways))

    def follow(self) -> Sequence[Event]:
        """What came since, the same in every way. Raises WaysDifferError."""
        head = self._await_head()
        heard = {way.name: way.follow(head) for way in self._ways}
        first = heard[self._ways[0].name]
        if different := [name for name, events in heard.items() if events != first]:
            raise WaysDifferError(ways=", ".join([self._ways[0].name, *different]))
        return first

    def _preview(self) -> Sequence[Event]:
        installation = self._play.installation
        deliveries, opening = installation.deliveries, installation.feed_disclosure.open_within
        agreement = deliveries.agreement(self.feed)
        feed = deliveries.as_if(self.feed, agreement, 1)
        pages = Preview(self.feed, agreement, 1, deliveries.filters, Period()).deliveries(installation.ledger)
        return [event for page in pages if page for event in deliveries.disclosed(page, feed, opening)]

    def _open_ways(self) -> Sequence[Way]:
        access_id = AccessId(self._key.access_id)
        for command in (
            AdmitPrincipal(access_id=access_id, acts_as=self.partner_id, label=self.name),
            GrantRole(access_id=access_id, role=Role.PARTNER),
            IssueKey(access_id=access_id, hash=self._key.hash),
        ):
            self._play.order(command, f"{command.NAME} {self.partner_id}")
        hook = self._stack.enter_context(closing(Hook()))
        endpoint_id = EndpointId(self._play.seeded_id(f"endpoint {self.partner_id}"))
        self._order(AddEndpoint, endpoint_id=endpoint_id, url=hook.url)
        ways: list[Way] = [Pull(self._client, self.feed), Stream(self._client, self.feed), hook]
        name = topic_name(self.name)
        if opened := self._stage.open_topic(name, self.feed):
            ways.append(self._stack.enter_context(closing(Topic(opened, name))))
        return ways

    def _answer(self, told: Sequence[Event]) -> Answers:
        """Sent twice, as by a partner that missed the first answer."""
        batch = batch_of(told, self._play.viewer.find_foreign_product(self.partner_id), self._play.evening)
        with answering():
            verdicts = [self._client.post(f"/v1/feeds/{self.feed}/inbound", **batch).raise_for_status().json()
                        for _ in range(2)]  # fmt: skip
        return answers_of(*verdicts)

    def _read_anew(self) -> Sequence[Event]:
        return Pull(self._client, self.feed).follow(self._play.installation.feeds.head(self.feed))

    def _await_head(self) -> int:
        """The feed's last number, when all that was recorded is in it."""
        feeds, position = self._play.installation.feeds, self._play.facts
        self._await(lambda: feeds.covered().position >= position and not feeds.is_late(self.feed), "the feed is filled")
        return feeds.head(self.feed)

    def _require_closed(self) -> None:
        """By then its key opens nothing; where that is not known yet, the feed is gone."""
        with answering():
            status = self._client.get(f"/v1/feeds/{self.feed}").status_code
        if status not in (401, 410):
            raise StaysOpenError(status=status)

    def _is_key_revoked(self) -> bool:
        return self._play.installation.ledger.load([self._key.access_id])[-1].type == KeyRevoked.TYPE

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self._stage.check()
            if time.monotonic() > deadline:
                raise LateError(waited_for=what)
            time.sleep(GLANCE_S)

    def _order(self, kind: type[Any], **fields: Any) -> None:
        command = kind(agreement_id=AgreementId(self.feed), **fields)
        self._play.order(command, f"{command.NAME} {self.feed}")


def _require_foreseen(previewed: Sequence[Event], told: Sequence[Event]) -> None:
    facts = [_without_number(event) for event in told if event["type"] not in (TOMBSTONE, CHANGED)]
    if facts != [_without_number(event) for event in previewed]:
        raise WaysDifferError(ways="the preview, and what was told")


def _without_number(event: Event) -> Mapping[str, Any]:
    return {name: value for name, value in event.items() if name not in ("id", "feedseq")}


def count_withheld(events: Sequence[Event]) -> int:
    return sum(event["type"] == WITHHELD for event in events)
