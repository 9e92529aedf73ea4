"""Workers and broker are killed while a partner's topic is filled: no hole in it, and nothing that may not be kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.kafka.partners import has_user, seen_by
from deploy import partner_topics
from deploy.wiring import Installation
from domain.errors import RelatoError
from domain.execute import Context
from streams.topics import partner_topic
from tests.backend import order
from tests.faults.system import Part, System, installed
from tests.partnering import LIMITS, as_user, read_records

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(480)]
NAME = "olaria"
TERMS = {"purpose": "to deliver", "scope": "all",
         "shows": [{"type": "crm.customer.registered.v1", "fields": ["name", "country"]}]}  # fmt: skip
KILLS = 4


class Company:
    """Gives commands while others are killed."""

    def __init__(self, system: System, installation: Installation) -> None:
        self.system, self.installation = system, installation
        partner_id, self.agreement = uuid7(), uuid7()
        self.do("partner.register", partner_id=partner_id, name="Olaria", kind="supplier")
        self.do("agreement.draft", agreement_id=self.agreement, partner_id=partner_id, terms=TERMS)
        self.do("agreement.activate", agreement_id=self.agreement)
        self.customers: list[UUID] = []

    def do(self, name: str, /, **fields: Any) -> None:
        self.installation.executor.execute(order(name, **fields), Context(uuid7(), "tester", fresh=True))

    def register(self, name: str) -> UUID:
        customer_id = uuid7()
        self.do("customer.register", customer_id=customer_id, name=name, country="PT")
        self.customers.append(customer_id)
        return customer_id

    @contextmanager
    def registering(self) -> Iterator[None]:
        stop = threading.Event()

        def go_on() -> None:
            while not stop.wait(0.005):
                self.register(f"Customer {len(self.customers)}")

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)

    def pull(self) -> Sequence[Any]:
        deliveries, opening = self.installation.deliveries, self.installation.feed_disclosure.open_within
        return deliveries.read(self.agreement, opening, after=0, limit=1_000_000).events

    def is_sent(self) -> bool:
        """All that is in the ledger."""
        covered = self.installation.deliveries.feeds.covered()
        [topic] = self.installation.partner_topics.list()
        return covered.position == self.system.position and topic.sent == topic.head

    def await_sent(self) -> None:
        self.system.await_true(self.is_sent, 120)

    def told(self) -> list[dict[str, Any]]:
        return [one.event for one in read_records(self.system.cluster, NAME)]


@pytest.fixture
def system() -> Iterator[System]:
    with installed() as system:
        yield system


@pytest.fixture
def company(system: System) -> Iterator[Company]:
    with Installation(system.settings) as installation:
        yield Company(system, installation)


@pytest.fixture
def workers(system: System, company: Company) -> Sequence[Part]:
    partner_topics.add(company.installation, NAME, company.agreement, LIMITS, rotate=False)
    parts = [system.part("actors", "run", "actors"), *(worker(system, n) for n in range(2))]
    for part in parts:
        part.start()
    return parts[1:]


def worker(system: System, number: int) -> Part:
    return system.part(f"topics {number}", "run", "partner-topics")


def assert_whole(told: list[dict[str, Any]], pulled: Sequence[Any], first: int = 1) -> int:
    """Counting on one meets every event, as it is pulled; answers how many records are repeats."""
    seq = first - 1
    for event in told:
        if event["feedseq"] == seq + 1:
            seq += 1
            assert event == pulled[seq - 1]
    assert seq == len(pulled)
    return len(told) - (len(pulled) - first + 1)


def test_whichever_is_killed_the_topic_tells_all_of_the_feed_in_order(
    system: System, company: Company, workers: Sequence[Part]
) -> None:
    with company.registering():
        for n in range(KILLS):
            system.await_growth(100)
            workers[n % 2].kill()
            workers[n % 2].start()
            system.await_growth(50)
            if n % 2:
                system.broker.kill()
                system.await_growth(50)
                system.broker.start()
    company.await_sent()
    pulled = company.pull()
    assert len(pulled) > 500
    assert assert_whole(company.told(), pulled) < len(pulled) / 2


def test_an_erasure_reaches_the_topic_whenever_the_worker_is_killed(
    system: System, company: Company, workers: Sequence[Part]
) -> None:
    secret = "Zuleica Quebra-Nozes"
    for n in range(KILLS):
        zuleica = company.register(f"{secret} {n}")
        with company.registering():
            system.await_growth(30)
        company.await_sent()
        assert secret in str(company.told())
        company.do("customer.erase", customer_id=zuleica)
        threading.Event().wait(0.3 * n)  # before it is entered, while it is sent, when it is forgotten
        for part in workers:
            part.kill()
            part.start()
        system.await_true(lambda: secret not in str(company.told()), 120)
    company.await_sent()
    told, pulled = company.told(), company.pull()
    assert_whole(told, pulled, told[0]["feedseq"])


def test_provisioning_that_is_interrupted_anywhere_is_brought_to_its_end(
    system: System, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = ["require_authoriser", "permit", "set_password"]
    for step in [*steps, "seen_by"]:
        with monkeypatch.context() as broken:
            broken.setattr(partner_topics.partners, step, interrupted)
            with pytest.raises(InterruptedHereError):
                partner_topics.add(company.installation, NAME, company.agreement, LIMITS, rotate=True)
        opened = partner_topics.add(company.installation, NAME, company.agreement, LIMITS, rotate=True)
        assert seen_by(as_user(opened, NAME)) == {opened.topic, opened.inbound}
    for step in ("withdraw", "delete_topics"):
        with monkeypatch.context() as broken:
            broken.setattr(partner_topics.partners, step, interrupted)
            with pytest.raises(InterruptedHereError):
                partner_topics.remove(company.installation, NAME, with_topics=True)
        partner_topics.remove(company.installation, NAME, with_topics=True)
        assert not has_user(system.cluster, NAME)
        assert company.installation.partner_topics.bindings() == []
        partner_topics.add(company.installation, NAME, company.agreement, LIMITS, rotate=False)


class InterruptedHereError(Exception):
    """No error of ours: nothing is tidied up."""


def interrupted(*_: object, **__: object) -> None:
    raise InterruptedHereError


def test_a_broker_from_before_partners_came_in_is_started_with_its_records(system: System) -> None:
    """An installation of the release before: no second port, no authoriser, its records already written."""
    with Installation(system.settings) as installation:
        company = Company(system, installation)
        relay = system.part("relay", "run", "relay", "--topic", "crm.events.v1")
        restart_as_before(system)
        relay.start()
        company.register("Ana Souza")
        mark = system.mark()
        system.await_true(lambda: system.is_relayed(mark))
        relay.kill()
        with pytest.raises(RelatoError):
            partner_topics.add(installation, NAME, company.agreement, LIMITS, rotate=False)
        system.broker.stop()
        system.broker.start()
        partner_topics.add(installation, NAME, company.agreement, LIMITS, rotate=False)
        relay.start()
        company.register("Bia Lima")
        mark = system.mark()
        system.await_true(lambda: system.is_relayed(mark))
    assert partner_topic(NAME).name


NEW = ("listener.name.partners", "authorizer", "super.users", "allow.everyone")


def restart_as_before(system: System) -> None:
    """The broker, by the settings that it had then."""
    system.broker.stop()
    template = system.broker._template
    text = (
        template.read_text().replace(",PARTNERS://127.0.0.1:$partners_port", "").replace("PARTNERS:SASL_PLAINTEXT,", "")
    )
    before = system.folder / "before.properties"
    before.write_text("\n".join(line for line in text.splitlines() if not line.startswith(NEW)))
    system.broker._template = before
    system.broker.start()
    (system.broker.home / "partners-port").unlink()
    system.broker._template = template
