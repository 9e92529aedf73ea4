"""One feed under load by pull, stream, webhook and Kafka, while what tells it is killed: all four tell the same."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import Any
from uuid import UUID

import pytest

from adapters.access.api_key import new_key
from adapters.ids import uuid7
from deploy import partner_topics
from deploy.wiring import Installation
from domain.errors import UnavailableError
from domain.execute import Context
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD
from streams.topics import partner_topic
from tests.backend import order
from tests.faults.following import Event, Follower, Hooked, Puller, Streamer, Subscribed, following, pull_all
from tests.faults.sameness import assert_one_feed
from tests.faults.system import Part, System, installed
from tests.partnering import LIMITS, as_user
from tests.receiving import Receiver, receiving

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(480)]
SEED, ROUNDS, CUSTOMERS = 11, 2, 12
NAME = "olaria"
CONSENT = {"channel": "partner_sharing", "purpose": "service"}
PLACED = {"type": "crm.order.placed.v1", "fields": ["number", "country", "note", "lines.quantity"]}
CANCELLED = {"type": "crm.order.cancelled.v1", "fields": ["reason"]}
NARROWER = {"type": "crm.order.placed.v1", "fields": ["number", "lines.quantity"]}
TO_LOOPBACK = {"RELATO_WEBHOOK_NETWORKS": '["127.0.0.0/8"]', "RELATO_WEBHOOK_PLAIN": "true"}
OWN = (WITHHELD, TOMBSTONE, CHANGED)


class Company:
    """Gives commands while others are killed; `placed` are the numbers of each customer's orders that were taken."""

    def __init__(self, system: System, installation: Installation) -> None:
        self.system, self.installation = system, installation
        self.partner_id, self.agreement, self.product = uuid7(), uuid7(), uuid7()
        self.placed: dict[UUID, list[str]] = {}
        self._gone: set[UUID] = set()
        self._numbers, self._ordering = itertools.count(1), threading.Lock()
        self.do("partner.register", partner_id=self.partner_id, name="Olaria", kind="supplier")
        self.do("product.register", product_id=self.product, name="jar", supplier_id=self.partner_id)
        for _ in range(CUSTOMERS):
            customer_id = uuid7()
            self.placed[customer_id] = []
            self.do("customer.register", customer_id=customer_id, name="Ana Lima", country="PT")
            self.do("customer.give_consent", customer_id=customer_id, **CONSENT)
        self.do("agreement.draft", agreement_id=self.agreement, partner_id=self.partner_id,
                terms=terms(PLACED, CANCELLED))  # fmt: skip
        self.do("agreement.activate", agreement_id=self.agreement)

    def do(self, name: str, /, **fields: Any) -> None:
        """Until it is known that it was done."""
        context = Context(uuid7(), "tester")
        while True:
            try:
                self.installation.executor.execute(order(name, **fields), context)
            except UnavailableError:
                continue
            return

    def key(self) -> str:
        key = new_key(uuid7())
        self.do("access.admit", access_id=key.access_id, acts_as=self.partner_id)
        self.do("access.grant_role", access_id=key.access_id, role="partner")
        self.do("access.issue_key", access_id=key.access_id, hash=key.hash)
        return key.text

    def narrow(self) -> None:
        self.do("agreement.amend", agreement_id=self.agreement, terms=terms(NARROWER))
        self.do("agreement.activate", agreement_id=self.agreement)

    def place(self, customer_id: UUID) -> None:
        order_id, number = uuid7(), str(next(self._numbers))
        lines = [{"product_id": self.product, "quantity": 1 + len(number), "amount_minor": 100}]
        self.do("order.place", order_id=order_id, customer_id=customer_id, number=number, currency="EUR", lines=lines,
                country="PT", note=f"for {number}")  # fmt: skip
        self.placed[customer_id].append(number)
        if int(number) % 7 == 0:
            self.do("order.cancel", order_id=order_id, reason="changed their mind")

    def leave(self, customer_id: UUID, command: str, /, **fields: Any) -> None:
        """Nothing is ordered for who is erased, nor for who permits nothing."""
        with self._ordering:
            self._gone.add(customer_id)
        self.do(command, customer_id=customer_id, **fields)

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Orders of those who have not left, one after the other."""
        stop = threading.Event()

        def go_on() -> None:
            for customer_id in itertools.cycle(self.placed):
                if stop.wait(0.01):
                    return
                with self._ordering:
                    if customer_id not in self._gone:
                        self.place(customer_id)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)

    def head(self) -> int:
        """Once all that is in the ledger is in the feed."""
        feeds, position = self.installation.deliveries.feeds, self.system.position
        self.system.await_true(lambda: feeds.covered().position >= position, 120)
        return feeds.head(self.agreement)


def terms(*shows: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"purpose": "to deliver", "scope": "supplier", "shows": shows, "consent": CONSENT}


@pytest.fixture
def system() -> Iterator[System]:
    with installed() as system:
        yield system


@pytest.fixture
def company(system: System) -> Iterator[Company]:
    to_loopback = {"webhook_networks": (IPv4Network("127.0.0.0/8"),), "webhook_plain": True}
    with Installation(system.settings.model_copy(update=to_loopback)) as installation:
        yield Company(system, installation)


@pytest.fixture
def parts(system: System, port: int) -> Mapping[str, Part]:
    """All that stands between a fact and the partner."""
    parts = {
        "actors": system.part("actors", "run", "actors"),
        "webhooks": system.part("webhooks", "run", "webhooks", settings=TO_LOOPBACK),
        "partner-topics": system.part("partner-topics", "run", "partner-topics"),
        "api": system.part("api", "run", "api", "--port", str(port)),
    }
    for part in parts.values():
        part.start()
    return parts


def followers_of(company: Company, receiver: Receiver, port: int) -> Sequence[Follower]:
    url, key = f"http://127.0.0.1:{port}/v1/feeds/{company.agreement}", company.key()
    company.do("endpoint.add", endpoint_id=uuid7(), agreement_id=company.agreement, url=receiver.url)
    opened = partner_topics.add(company.installation, NAME, company.agreement, LIMITS, rotate=False)
    topic = partner_topic(NAME).name
    return (
        Puller(url, key),
        Streamer(url, key),
        Hooked(url, key, receiver),
        Subscribed(url, key, as_user(opened, NAME), topic),
    )


def test_whatever_is_killed_every_way_tells_the_same_feed(
    system: System, company: Company, parts: Mapping[str, Part], port: int
) -> None:
    chance = random.Random(SEED)
    erased, withdrawn, *faithful = company.placed
    changes = [
        lambda: company.leave(erased, "customer.erase"),
        lambda: company.leave(withdrawn, "customer.withdraw_consent", **CONSENT),
        company.narrow,
    ]
    with receiving() as receiver:
        followers = followers_of(company, receiver, port)
        with following(followers):
            with company.placing():
                for victim in [name for _ in range(ROUNDS) for name in chance.sample([*parts], len(parts))]:
                    system.await_growth(40)
                    parts[victim].kill()
                    if changes:
                        changes.pop(0)()
                    threading.Event().wait(chance.random())
                    parts[victim].start()
            head = company.head()
            system.await_true(lambda: has_heard(followers, head), 120, lambda: explain(followers, head, parts))
            at_last = pull_all(followers[0].url, followers[0].headers["Authorization"].removeprefix("Bearer "))
    for one in followers:
        assert [event["feedseq"] for event in one.heard] == [*range(1, head + 1)], one.name
    assert_one_feed([one.heard for one in followers], at_last)
    assert_complete(company, at_last, faithful)
    assert_told_why(at_last)


def has_heard(followers: Sequence[Follower], head: int) -> bool:
    """What a follower failed with is raised."""
    for one in followers:
        if one.failure:
            raise one.failure
    return all(one.last >= head for one in followers)


def explain(followers: Sequence[Follower], head: int, parts: Mapping[str, Part]) -> str:
    told = "\n".join(f"== {part.name}: {part.told()}" for part in parts.values())
    return f"{head}: {[(one.name, one.last) for one in followers]}\n{told}"


def assert_complete(company: Company, at_last: Sequence[Event], faithful: Sequence[UUID]) -> None:
    """Every order that was taken of those who neither left nor were erased, once."""
    told = [event["data"]["number"] for event in at_last if event["type"] == PLACED["type"]]
    assert len(told) > 100
    assert sorted(told) == sorted(number for one in faithful for number in company.placed[one])


def assert_told_why(at_last: Sequence[Event]) -> None:
    """Each reason to forget has come about, and its tombstone; nothing is told that the narrower terms do not show."""
    reasons = {"erased", "consent", "narrowed"}
    assert {event["data"]["reason"] for event in at_last if event["type"] == TOMBSTONE} == reasons
    assert {event["data"]["reason"] for event in at_last if event["type"] == WITHHELD} == reasons
    assert {event["type"] for event in at_last} <= {PLACED["type"], *OWN}
    told = [event["data"].keys() for event in at_last if event["type"] == PLACED["type"]]
    assert set().union(*told) == {"number", "lines"}
