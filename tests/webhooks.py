"""Webhooks for tests: an installation with a partner, endpoints on loopback, and a worker that delivers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from adapters.ids import uuid7
from adapters.postgres.webhooks import Delivered
from deploy.settings import Settings
from deploy.webhooks import worker_of
from deploy.wiring import Databases as Places
from deploy.wiring import Installation
from domain.event import Event
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.feeding import agree, enter_all, partner, place, product, terms

PATIENCE_S = 30.0
LOOPBACK = ("127.0.0.0/8", "::1/128")


class HookShop:
    """A partner whose feed has orders, and endpoints for it. `backend` is the same installation."""

    def __init__(self, installation: Installation, backend: Backend, databases: Databases) -> None:
        self.installation, self.backend, self.databases = installation, backend, databases
        self.partner_id = partner(backend)
        self.product_id = product(backend, self.partner_id)
        self.customer_id = backend.customer(name="Ana Lima")

    def agree(self, *shows: dict[str, Any], **more: Any) -> UUID:
        return agree(self.backend, self.partner_id, terms(*shows, **more))

    def place(self, *numbers: object, customer_id: UUID | None = None) -> None:
        for number in numbers:
            place(self.backend, customer_id or self.customer_id, self.product_id, number=str(number))

    def enter(self, *numbers: object) -> None:
        """Places orders of these numbers, and enters all that there is into the feeds."""
        self.place(*numbers)
        enter_all(self.databases.app)

    def endpoint(self, feed: UUID, url: str, **more: Any) -> UUID:
        endpoint_id = uuid7()
        self.backend.do("endpoint.add", endpoint_id=endpoint_id, agreement_id=feed, url=url, **more)
        return endpoint_id

    def do(self, name: str, endpoint_id: UUID, **more: Any) -> None:
        self.backend.do(f"endpoint.{name}", endpoint_id=endpoint_id, **more)

    def standing(self, endpoint_id: UUID) -> Delivered | None:
        return self.installation.webhooks.standings([endpoint_id]).get(endpoint_id)

    def state(self, endpoint_id: UUID) -> str:
        found = self.standing(endpoint_id)
        return found.state if found else ""

    def pulled(self, feed: UUID) -> Sequence[Any]:
        """What the partner would be told by pull."""
        opening = self.installation.feed_disclosure.open_within
        return self.installation.deliveries.read(feed, opening, after=0, limit=1_000).events

    def facts(self, endpoint_id: UUID) -> Sequence[Event]:
        return self.backend.ledger.load([endpoint_id])

    def ask(self, endpoint_id: UUID, first: int | None = None, last: int | None = None) -> str:
        """What becomes of an errand."""
        book = self.installation.webhooks
        errand = book.ask(endpoint_id, "tester", first, last)
        await_true(lambda: book.outcome(errand, endpoint_id) is not None)
        return book.outcome(errand, endpoint_id) or ""


@contextmanager
def hook_shop(databases: Databases, home: Path, **settings: Any) -> Iterator[HookShop]:
    """Endpoints may stand on loopback, without TLS, unless `settings` say otherwise."""
    master = new_master()
    given: dict[str, Any] = {"webhook_networks": LOOPBACK, "webhook_plain": True, **settings}
    places = Places(databases.owner, databases.app, databases.keys_owner, databases.keys_app)
    with (
        Installation(Settings(home=home, master_key=master, **given), databases=places) as installation,
        Backend.open(databases.app, databases.keys_app, master) as backend,
    ):
        yield HookShop(installation, backend, databases)


@contextmanager
def delivering(installation: Installation, *, attempt_s: float = 1.0) -> Iterator[None]:
    """A worker in a thread; what it raises is raised at the end."""
    stop, failures = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            worker_of(installation, attempt_s=attempt_s).run(stop)
        except BaseException as error:  # noqa: BLE001 raised below
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def await_true(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)
