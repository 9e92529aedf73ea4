"""All that tells a partner, in threads, for as long as it is needed: for the demonstration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event as Flag
from threading import Thread
from uuid import UUID

from adapters.cli.installation import OpenedTopic
from deploy.doors import doors_of
from deploy.settings import EMBEDDED, Settings
from deploy.stage import keep_quiet
from deploy.wiring import Installation
from domain.errors import UnavailableError

READY_S = 30.0
STOP_S = 30.0

Part = Callable[[Flag], None]


class Cast:
    """Parts that run until `end`; `check` raises what one of them failed with."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._stop, self._failures = Flag(), list[BaseException]()
        self._threads = [Thread(target=self._run, args=(part,), daemon=True) for part in parts]
        for thread in self._threads:
            thread.start()

    def _run(self, part: Part) -> None:
        try:
            part(self._stop)
        except BaseException as error:  # noqa: BLE001 raised where it is waited for
            self._failures.append(error)

    def check(self) -> None:
        if self._failures:
            raise self._failures[0]

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(STOP_S)


class FeedStage:
    """An API at `url`, and what fills, sends and ends feeds."""

    def __init__(self, installation: Installation, url: str, cast: Cast) -> None:
        self.url, self._installation, self.check = url, installation, cast.check

    def open_topic(self, name: str, agreement_id: UUID) -> OpenedTopic | None:
        """None where there is no broker of ours: in somebody else's no users are made."""
        if self._installation.settings.kafka != EMBEDDED:
            return None
        from adapters.kafka.partners import Limits  # noqa: PLC0415 loads Kafka's client
        from deploy import partner_topics  # noqa: PLC0415 as above

        return partner_topics.add(self._installation, name, agreement_id, Limits(), rotate=True)


@contextmanager
def open_feeds(settings: Settings, kafka: str | None) -> Iterator[FeedStage]:
    """The API listens on loopback, at any port that is free."""
    from adapters.http.server import listen  # noqa: PLC0415 loads uvicorn

    keep_quiet()
    settings = settings.model_copy(update={"kafka": kafka, "log_requests": False})
    with listen("127.0.0.1", 0) as listener, Installation(settings) as installation:
        from deploy import api, webhooks  # noqa: PLC0415 loads FastAPI

        ready = Flag()
        cast = Cast([
            installation.feed_actor.run,
            installation.feed_closer(doors_of(installation)).run,
            webhooks.worker_of(installation).run,
            lambda stop: api.serve_over(installation, listener, stop, ready.set),
            *_topics(installation),
        ])  # fmt: skip
        try:
            _await(ready, cast)
            yield FeedStage(installation, f"http://127.0.0.1:{listener.getsockname()[1]}", cast)
        finally:
            cast.end()


def _topics(installation: Installation) -> Sequence[Part]:
    if installation.settings.kafka != EMBEDDED:
        return []
    from deploy import partner_topics  # noqa: PLC0415 loads Kafka's client

    return [partner_topics.relays(installation).run]


def _await(ready: Flag, cast: Cast) -> None:
    if not ready.wait(READY_S):
        cast.check()
        raise UnavailableError("the API did not start", waited_s=READY_S)
