"""The reader of partners' topics, and the API, are killed while events come: each is in the ledger exactly once."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest

from adapters.access.api_key import new_key
from adapters.ids import uuid7
from adapters.kafka.admin import ensure_topics
from deploy.wiring import Installation
from domain.access.facts import Role
from domain.execute import Context
from streams.feeds.topics import Binding
from streams.topics import inbound_topic
from tests.backend import Backend, order
from tests.faults.system import Part, System, installed
from tests.feeding import agree, partner
from tests.sending import accepting, event
from tests.writing import structured, write

LEADS = "select convert_from(data, 'UTF8')::jsonb ->> 'need' from ledger.fact where type = %s order by position"
NEED, REGISTERED = "crm.customer.need_noted.v1", "crm.customer.registered.v1"
NAME, WRITTEN, KILLS = "olaria", 1_000, 4
CALLERS, BATCHES, EACH, CHANCES_S = 3, 8, 20, 120.0


def lead(number: int) -> dict[str, Any]:
    return event("lead", {"name": "Ana", "need": f"{number:05}"}, str(number))


@pytest.fixture
def system() -> Iterator[System]:
    with installed() as system:
        yield system


def needs(system: System) -> list[str]:
    return [need for (need,) in system.ask(LEADS, NEED)]


def bind(system: System) -> None:
    """A partner that may pass leads, with an inbound topic."""
    partner_id, agreement_id = uuid7(), uuid7()
    with Installation(system.settings) as installation:
        for name, fields in (
            ("partner.register", {"partner_id": partner_id, "name": "Olaria", "kind": "supplier"}),
            ("agreement.draft", {"agreement_id": agreement_id, "partner_id": partner_id,
                                 "terms": accepting("lead", scope="all")}),
            ("agreement.activate", {"agreement_id": agreement_id}),
        ):  # fmt: skip
            installation.executor.execute(order(name, **fields), Context(uuid7(), "tester", fresh=True))
        ensure_topics(system.cluster, [inbound_topic(NAME)])
        assert installation.partner_topics.open(Binding(NAME, agreement_id, partner_id), "tester")


@pytest.mark.kafka
@pytest.mark.timeout(480)
def test_whichever_reader_is_killed_each_event_is_in_the_ledger_once_and_in_order(system: System) -> None:
    bind(system)
    write(system.cluster, inbound_topic(NAME).name, *(structured(lead(n)) for n in range(WRITTEN)), structured({}))
    readers = [system.part(f"inbound {n}", "run", "inbound") for n in range(2)]
    for part in readers:
        part.start()
    chance = random.Random(7)
    for _ in range(KILLS):
        before = len(needs(system))
        await_needs(system, before + chance.randrange(30, 90), readers)
        assert len(needs(system)) < WRITTEN, "nobody is killed under way"
        for part in readers:  # whichever leads
            part.kill()
            part.start()
    held = "select code from feeds.quarantine"
    system.await_true(lambda: system.ask(held) == [("event-form",)], 120, lambda: explain(readers))
    assert needs(system) == [f"{n:05}" for n in range(WRITTEN)]
    assert len(system.ask(LEADS, REGISTERED)) == WRITTEN
    assert system.ask("select count(*) from feeds.taken") == [(WRITTEN,)]
    for part in readers:
        part.require_running()


def await_needs(system: System, count: int, readers: Sequence[Part]) -> None:
    system.await_true(lambda: len(needs(system)) >= count, 120, lambda: explain(readers))


def explain(parts: Sequence[Part]) -> str:
    return "\n".join(f"== {part.name}: {part.told()}" for part in parts)


def partners_key(backend: Backend, partner_id: UUID) -> str:
    key = new_key(uuid7())
    backend.do("access.admit", access_id=key.access_id, acts_as=partner_id)
    backend.do("access.grant_role", access_id=key.access_id, role=Role.PARTNER)
    backend.do("access.issue_key", access_id=key.access_id, hash=key.hash)
    return key.text


def insist(url: str, key: str, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """A batch, until it is answered, whatever becomes of the connection."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents-batch+json"}
    body, until = json.dumps([lead(n) for n in numbers]), time.monotonic() + CHANCES_S
    while time.monotonic() < until:
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=20)
        except httpx.TransportError:
            time.sleep(0.02)
            continue
        if answer.status_code == 200:
            return list(answer.json()["verdicts"])
        assert answer.status_code >= 500, answer.text
    raise AssertionError("no answer came")


def test_a_batch_that_is_repeated_until_it_is_answered_is_taken_once(backend: Backend, api: Part, port: int) -> None:
    partner_id = partner(backend)
    agreement_id = agree(backend, partner_id, accepting("lead", scope="all"))
    key, url = partners_key(backend, partner_id), f"http://127.0.0.1:{port}/v1/feeds/{agreement_id}/inbound"
    numbers = [range(n * EACH, (n + 1) * EACH) for n in range(CALLERS * BATCHES)]

    def facts() -> list[str]:
        return [one.type for one in backend.ledger.read(0, 100_000) if one.type in (REGISTERED, NEED)]

    api.start()
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = [pool.submit(insist, url, key, one) for one in numbers]
        for _ in range(KILLS):
            before, deadline = len(facts()), time.monotonic() + CHANCES_S
            while len(facts()) < before + 50:
                assert time.monotonic() < deadline, api.told()
                time.sleep(0.01)
            api.kill()
            api.start()
        verdicts = [verdict for one in answers for verdict in one.result()]
    assert {one["verdict"] for one in verdicts} <= {"accepted", "repeated"}
    assert {int(one["id"]) for one in verdicts} == set(range(CALLERS * BATCHES * EACH))
    total = CALLERS * BATCHES * EACH
    assert (facts().count(REGISTERED), facts().count(NEED)) == (total, total)
