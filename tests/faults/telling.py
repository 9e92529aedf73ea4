"""A program that tells the stories of planted customers until its input ends, and writes down each acknowledgement.

`python -m tests.faults.telling HOME DATABASE SEED FILE`: a line of the file is a command's id and its facts' positions.
Killed and started again it goes on with the first story that was not told to its end, with the same ids.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import UUID

from deploy.settings import Settings
from deploy.wiring import Installation
from domain.decider import Command
from domain.errors import UnavailableError
from domain.execute import Context, Executor
from tests.backend import order

PLANTED = "Plantadíssima"  # in every personal value that is told, and nowhere else
IN_CLEAR = "quite-ordinary"  # in what is nobody's secret
THREADS, PAUSE_S, ERASED_OF, LONG_OF = 3, 0.02, 3, 6
Acknowledged = Mapping[UUID, tuple[int, ...]]


def customer_of(seed: int, n: int) -> UUID:
    """Its last bits, which choose the partition, differ from one to the next."""
    return UUID(int=seed << 96 | n)


def is_erased(n: int) -> bool:
    return n % ERASED_OF == 0


def story(seed: int, n: int) -> Iterator[tuple[Command, Context]]:
    """What is told of the n-th customer, each command with its id."""
    for step, command in enumerate(_commands(seed, n), start=1):
        yield command, Context(UUID(int=seed << 96 | step << 64 | n), "teller")


def _commands(seed: int, n: int) -> Iterator[Command]:
    customer = customer_of(seed, n)
    contact, deal, ticket, sale = (UUID(int=customer.int | place << 80) for place in range(1, 5))
    line = {"product_id": UUID(int=1 + n % 3), "quantity": 1 + n % 4, "amount_minor": 100 + n}
    told = PLANTED * 2_000 if n % LONG_OF == 1 else f"{PLANTED} said {n}"
    yield order("customer.register", customer_id=customer, name=f"{PLANTED} {n}", source=IN_CLEAR)
    yield order("customer.add_contact_point", customer_id=customer, channel="email", value=f"{n}@{PLANTED}.example")
    yield order("customer.add_contact", customer_id=customer, person_id=contact, name=f"{PLANTED} Junior {n}")
    yield order("customer.note_need", customer_id=customer, need=f"{IN_CLEAR} {n}", note=f"{PLANTED} wants {n}")
    yield order("opportunity.open", opportunity_id=deal, customer_id=customer, title=IN_CLEAR)
    yield order("order.place", order_id=sale, customer_id=customer, number=str(n), currency="EUR", lines=[line])
    yield order("ticket.open", ticket_id=ticket, customer_id=customer, summary=told)
    yield order("customer.amend", customer_id=customer, country="PT", reference=f"{PLANTED}-{n}")
    if is_erased(n):
        yield order("customer.erase", customer_id=customer)


def read_acknowledged(file: Path) -> Acknowledged:
    """Whole lines only: the last one may have been cut off by the kill."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    found = (line.split() for line in lines)
    return {UUID(command_id): tuple(map(int, positions)) for command_id, *positions in found}


def tell(executor: Executor, seed: int, n: int, known: Acknowledged, log: int) -> None:
    """While the ledger is away it is asked again, with the same id."""
    for command, context in story(seed, n):
        if context.command_id not in known:
            positions = _insist(executor, command, context)
            os.write(log, f"{context.command_id} {' '.join(map(str, positions))}\n".encode())
            threading.Event().wait(PAUSE_S)


def _insist(executor: Executor, command: Command, context: Context) -> Sequence[int]:
    while True:
        try:
            return [place.position for place in executor.execute(command, context).places]
        except UnavailableError:
            threading.Event().wait(PAUSE_S)


def tell_all(home: Path, database: str, seed: int, file: Path) -> None:
    known, stop = read_acknowledged(file), threading.Event()
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    threading.Thread(target=_await_end_of_input, args=(stop,), daemon=True).start()
    numbers, taking = itertools.count(), threading.Lock()

    def work(executor: Executor) -> None:
        while not stop.is_set():
            with taking:
                n = next(numbers)
            tell(executor, seed, n, known, log)

    with Installation(Settings(home=home, database=database)) as installation, ThreadPoolExecutor(THREADS) as pool:
        for told in [pool.submit(partial(work, installation.executor)) for _ in range(THREADS)]:
            told.result()


def _await_end_of_input(stop: threading.Event) -> None:
    while os.read(0, 1):
        pass
    stop.set()


if __name__ == "__main__":
    tell_all(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
