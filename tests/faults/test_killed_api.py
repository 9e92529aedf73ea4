"""The API is killed under load: what it acknowledged is there, and what its callers repeat blindly is there once."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import httpx

from domain.access.facts import Role
from tests.backend import Backend
from tests.faults.serving import key_of
from tests.faults.system import Part

CALLERS, EACH, KILLS, CHANCES_S = 6, 150, 3, 90.0
GIVEN = "crm.product.registered.v1"


class Caller(threading.Thread):
    """Gives each of its commands until it has an answer, whatever becomes of the connection."""

    def __init__(self, n: int, url: str, key: str) -> None:
        super().__init__()
        self._n, self._url, self._key = n, url, key
        self.answers: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def run(self) -> None:
        with httpx.Client(timeout=10, headers={"Authorization": f"Bearer {self._key}"}) as client:
            for n in range(EACH):
                self._insist(client, f"{self._n}-{n}", time.monotonic() + CHANCES_S)

    def _insist(self, client: httpx.Client, name: str, until: float) -> None:
        while time.monotonic() < until:
            try:
                answer = client.post(self._url, json={"name": name}, headers={"Idempotency-Key": name})
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if answer.is_success:
                self.answers.append(answer.json())
                return
            if answer.status_code < 500:
                break
        self.refused.append(name)


def call_all(url: str, key: str) -> list[Caller]:
    callers = [Caller(n, url, key) for n in range(CALLERS)]
    for caller in callers:
        caller.start()
    return callers


def facts(backend: Backend) -> dict[Any, Any]:
    """Commands by their facts' positions."""
    return {event.position: event.command_id for event in backend.ledger.read(0, 100_000) if event.type == GIVEN}


def test_what_was_acknowledged_is_there_once_however_often_the_api_is_killed(
    backend: Backend, api: Part, port: int
) -> None:
    chance, url, key = random.Random(7), f"http://127.0.0.1:{port}/v1/product/new/register", key_of(backend, Role.SALES)
    api.start()
    callers = call_all(url, key)
    for _ in range(KILLS):
        before = len(facts(backend))
        deadline = time.monotonic() + CHANCES_S
        while len(facts(backend)) < before + chance.randrange(40, 120):
            assert time.monotonic() < deadline, api.told()
            time.sleep(0.01)
        assert any(caller.is_alive() for caller in callers)
        api.kill()
        acknowledged = {answer["command_id"] for caller in callers for answer in list(caller.answers)}
        assert acknowledged <= {str(command_id) for command_id in facts(backend).values()}
        api.start()
    for caller in callers:
        caller.join()
    assert not [name for caller in callers for name in caller.refused]

    written = facts(backend)
    assert len(written) == len(set(written.values())) == CALLERS * EACH
    for caller in callers:
        for answer in caller.answers:
            assert {str(written[position]) for position in answer["positions"]} == {answer["command_id"]}

    again = call_all(url, key)
    for caller in again:
        caller.join()
    assert all(answer["repeated"] for caller in again for answer in caller.answers)
    assert [answer["ids"] for caller in again for answer in caller.answers] == [
        answer["ids"] for caller in callers for answer in caller.answers
    ]
    assert facts(backend) == written
