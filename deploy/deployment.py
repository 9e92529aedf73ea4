"""An installation as the command line is given it; what only some commands need is loaded when they ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from adapters.cli.options import Asked
from adapters.cli.refusals import WrongUseError
from deploy.settings import OTLP, Settings
from domain.access.facts import Role, Rows

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from uuid import UUID

    from adapters.cli.installation import Check, FeedStage, OpenedTopic, Restored, Saved, Shares, Stream, Subscriber
    from adapters.kafka.partners import Limits
    from adapters.keys.rotation import Rotation
    from deploy.opening import LateOpening
    from deploy.wiring import Installation
    from projections.engine.readmodel import Service

LOOPBACK = IPv4Network("127.0.0.0/8")
OPTIONS = {"role": "--role", "scope": "--scope", "home": "--home", "database": "--database", OTLP: OTLP}


def read_settings(asked: Asked) -> Settings:
    """WrongUseError with a line for each setting that is wrong; what was set is not repeated, it may be secret."""
    given = {name: value for name, value in asked._asdict().items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongUseError([_tell_fault(str(fault["loc"][0]), fault["msg"]) for fault in error.errors()]) from error


def _tell_fault(name: str, text: str) -> str:
    return f"{OPTIONS.get(name, f'RELATO_{name.upper()}')}: {text.removeprefix('Value error, ')}"


class LocalDeployment:
    """Implements what the command line needs of a deployment."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self.settings = asked, read_settings(asked)

    @property
    def principal(self) -> str:
        return self.settings.principal

    @property
    def role(self) -> Role:
        return self.settings.role

    @property
    def scope(self) -> Rows:
        return self.settings.scope

    @property
    def time_zone(self) -> ZoneInfo:
        return self.settings.zone

    @property
    def attachment_types(self) -> Sequence[str]:
        return self.settings.attachment_types

    @cached_property
    def services(self) -> Sequence[Service]:
        from projections.catalogue import services  # noqa: PLC0415 loads every read model

        return services(self.settings.zone, self._opening)

    @cached_property
    def _opening(self) -> LateOpening:
        from deploy.opening import LateOpening  # noqa: PLC0415 with the read models alone

        return LateOpening()

    def with_database(self, database: str | None) -> LocalDeployment:
        return LocalDeployment(self._asked._replace(database=database)) if database else self

    def elsewhere(self, home: Path, time_zone: str) -> LocalDeployment:
        from deploy.kafka_parts import jars_of  # noqa: PLC0415 loads Kafka's client

        other = LocalDeployment(self._asked)
        own = ("database", "keys_database", "kafka", "master_key", "master_key_file", "tombstones_file")
        given = {"home": home, "time_zone": time_zone, "kafka_jars": jars_of(self.settings)}
        on_loopback = {"webhook_networks": (LOOPBACK,), "webhook_plain": True}
        update = {**dict.fromkeys(own), **given, **on_loopback}
        other.settings = self.settings.model_copy(update=update)
        return other

    def open(self) -> Installation:
        from deploy.wiring import Installation  # noqa: PLC0415 loads PostgreSQL's client

        installation = Installation(self.settings)
        self._opening.use(installation)
        return installation

    def open_stream(self, kafka: str) -> AbstractContextManager[Stream]:
        from deploy import stage  # noqa: PLC0415 loads Kafka's client

        return stage.open_stream(self.settings, kafka)

    def open_feeds(self, kafka: str | None) -> AbstractContextManager[FeedStage]:
        from deploy import feed_stage  # noqa: PLC0415 loads the API

        return feed_stage.open_feeds(self.settings, kafka)

    def open_share(self, department: str, after: int) -> AbstractContextManager[Shares]:
        from deploy import kafka_parts  # noqa: PLC0415 loads Kafka's client

        return kafka_parts.share_of(self.settings, department, after)

    def up(self, kafka: str | None, port: int | None, tell: Callable[[str], None], stop: threading.Event) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        update = {"kafka": kafka or self.settings.kafka, "port": self.settings.port if port is None else port}
        operations.up(self.settings.model_copy(update=update), tell, stop)

    def list_subscribers(self) -> Sequence[Subscriber] | None:
        if self.settings.kafka is None:
            return None
        from deploy import kafka_parts  # noqa: PLC0415 loads Kafka's client

        return kafka_parts.list_subscribers(self.settings)

    def add_partner_topic(self, name: str, agreement_id: UUID, limits: Limits, *, rotate: bool) -> OpenedTopic:
        from deploy import partner_topics  # noqa: PLC0415 loads Kafka's client

        with self.open() as installation:
            return partner_topics.add(installation, name, agreement_id, limits, rotate=rotate)

    def remove_partner_topic(self, name: str, *, with_topics: bool) -> None:
        from deploy import partner_topics  # noqa: PLC0415 loads Kafka's client

        with self.open() as installation:
            partner_topics.remove(installation, name, with_topics=with_topics)

    def run_relay(self, topics: Sequence[str], stop: threading.Event) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        operations.run_relay(self.settings, topics, stop)

    def run_partner_topics(self, stop: threading.Event) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        operations.run_partner_topics(self.settings, stop)

    def run_folds(self, services: Sequence[str], stop: threading.Event) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        operations.run_folds(self.settings, services, stop)

    def run_actors(self, stop: threading.Event) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        operations.run_actors(self.settings, stop)

    def run_webhooks(self, stop: threading.Event) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        operations.run_webhooks(self.settings, stop)

    def run_inbound(self, stop: threading.Event) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        operations.run_inbound(self.settings, stop)

    def run_streams(self, stop: threading.Event, *, worker: bool) -> None:
        from deploy import streams  # noqa: PLC0415 loads Kafka's clients

        (streams.run_worker if worker else streams.run)(self.settings, stop)

    def run_api(self, host: str | None, port: int | None, stop: threading.Event) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        given = {"host": host, "port": port}
        update = {name: value for name, value in given.items() if value is not None}
        operations.run_api(self.settings.model_copy(update=update), stop)

    def republish(self, topic: str) -> None:
        from deploy import operations  # noqa: PLC0415 loads every read model

        operations.republish(self.settings, topic)

    def check(self) -> Sequence[Check]:
        from deploy.checks import check_all  # noqa: PLC0415 loads Kafka's client

        return check_all(self.settings)

    def backup(self, directory: Path) -> Saved:
        from deploy import archive  # noqa: PLC0415 seldom needed

        return archive.backup(self.settings, directory)

    def restore(self, directory: Path, *, over: bool, tombstones: Path | None) -> Restored:
        from deploy import archive  # noqa: PLC0415 seldom needed

        return archive.restore(self.settings, directory, over=over, tombstones=tombstones)

    def rotate_master(self, *, prepare: bool) -> Rotation:
        from deploy import master_key  # noqa: PLC0415 seldom needed

        return master_key.rotate(self.settings, prepare=prepare)
