"""A Kafka of one's own that asks for TLS, a user and a password: by the settings alone, and told what is wrong."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer

from adapters.kafka.cluster import PROBE_S, Cluster
from adapters.kafka.greeting import require_welcome
from adapters.kafka.jars import resolve_jars
from deploy.kafka_parts import KafkaTrustError, cluster_of
from deploy.settings import Settings
from domain.errors import RelatoError
from tests.acceptance.program import Relato, made, one, served
from tests.kafka_fixtures import JARS, POM
from tests.secure_kafka import Authority, SecureKafka

pytestmark = pytest.mark.kafka
CUSTOMERS = {"type": "crm.customer.registered.v1", "fields": ["name", "country"]}
TERMS = {"purpose": "to deliver", "shows": [CUSTOMERS], "scope": "all"}
TAIL = ("tail", "--department", "marketing", "--from", "1", "--json")
PATIENCE_S, BOUND_S = 60.0, 60.0
USER = "RELATO_KAFKA_USER, _PASSWORD and _MECHANISM"
Wrong = Callable[[SecureKafka], Mapping[str, str]]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    resolve_jars(POM, JARS)
    with SecureKafka(tmp_path_factory.mktemp("secure")) as broker:
        broker.make_user()
        yield broker


@pytest.fixture
def relato(broker: SecureKafka) -> Iterator[Relato]:
    with made() as relato:
        relato.environment.update(broker.settings)
        yield relato


def await_true(condition: Callable[[], bool], explain: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.2)


def read(properties: str, authority: Path, topic: str, count: int) -> list[Any]:
    """As a partner does, with the file that it was given and the authority that it trusts."""
    settings = dict(line.split("=", 1) for line in properties.splitlines() if line and not line.startswith("#"))
    consumer = Consumer({**settings, "ssl.ca.location": str(authority)})
    consumer.subscribe([topic])
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and not message.error():
            found.append(json.loads(message.value()))
    consumer.commit(asynchronous=False)
    consumer.close()
    return found


def fact(line: str) -> object:
    return {name: value for name, value in json.loads(line).items() if name not in ("occurred_at", "recorded_at")}


def test_everything_runs_by_the_settings_alone(relato: Relato, broker: SecureKafka) -> None:
    partner = relato.make("partner.register", name="Luz", kind="supplier")
    agreement = relato.make("agreement.draft", partner_id=partner, terms=TERMS)
    relato.do("agreement.activate", agreement_id=agreement)
    with relato.up():
        assert f"Kafka is ready ({broker.partners_bootstrap})" in (relato.folder / "up.log").read_text()
        done = relato.do("customer.register", name="Ana Souza", country="PT")
        assert one(relato.rows("customers", "--wait", done["token"]))["name"] == "Ana Souza"
        assert re.search(rf"^Kafka\tfine\t{broker.partners_bootstrap}$", relato.tell("doctor"), re.MULTILINE)
        await_true(lambda: relato.status()["relay_behind"] == 0, relato.status)
        by_topic, by_ledger = (
            [fact(line) for line in relato.tell(*TAIL, *more).splitlines()] for more in (("--through", "kafka"), ())
        )
        assert len(by_topic) > 0
        assert by_topic == by_ledger

        said = relato("partner", "add", "luz", "--agreement", agreement)
        assert (said.status, "was not checked" in said.err) == (0, False), said
        assert "security.protocol=SASL_SSL" in said.out
        [told] = read(said.out, broker.authority.file, "crm.partner.luz.v1", 1)
        assert told["name"] == "Ana Souza"
        subscribers = relato.status()["subscribers"]
        assert {"group": "partner-luz.feed", "topic": "crm.partner.luz.v1", "behind": 0} in subscribers

        broker.stop()  # the folds have no other way
        away = relato.do("customer.register", name="Bia Lima")
        time.sleep(3)
        assert [row["name"] for row in relato.rows("customers")] == ["Ana Souza"]
        broker.start()
        assert len(relato.rows("customers", "--wait", away["token"])) == 2
        await_true(lambda: relato.status()["relay_behind"] == 0, relato.status)
        told = (relato.home / "logs" / "streams.log").read_text()
        assert '"part":"windows"' in told  # which Faust keeps, with a client of its own
        assert " ended (" not in (relato.folder / "up.log").read_text() + told


WAYS: Mapping[str, tuple[Wrong, str]] = {
    "another password": (lambda _: {"RELATO_KAFKA_PASSWORD": "guessed"}, USER),
    "another user": (lambda _: {"RELATO_KAFKA_USER": "nobody"}, USER),
    "another mechanism": (lambda _: {"RELATO_KAFKA_MECHANISM": "SCRAM-SHA-256"}, USER),
    "another authority": (
        lambda broker: {"RELATO_KAFKA_CA_FILE": str(Authority(broker.home.parent, "others").file)},
        "put its authority's into RELATO_KAFKA_CA_FILE",
    ),
    "the system's authorities": (
        lambda _: {"RELATO_KAFKA_CA_FILE": ""},
        "put its authority's into RELATO_KAFKA_CA_FILE",
    ),
    "another host": (
        lambda broker: {"RELATO_KAFKA": broker.partners_bootstrap.replace("127.0.0.1", "localhost")},
        "write its servers in RELATO_KAFKA as the certificate names them",
    ),
    "without TLS": (lambda _: {"RELATO_KAFKA_PROTOCOL": "SASL_PLAINTEXT"}, "check RELATO_KAFKA_PROTOCOL"),
    "without anything": (lambda _: {"RELATO_KAFKA_PROTOCOL": "PLAINTEXT"}, "check RELATO_KAFKA_PROTOCOL"),
    "without a user": (lambda _: {"RELATO_KAFKA_PROTOCOL": "SSL"}, "check RELATO_KAFKA_PROTOCOL"),
    "with TLS where there is none": (lambda broker: {"RELATO_KAFKA": broker.bootstrap}, "check RELATO_KAFKA_PROTOCOL"),
}


def give(environment: MutableMapping[str, str], given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if value:
            environment[name] = value
        else:
            environment.pop(name, None)


@pytest.mark.parametrize("way", WAYS)
def test_each_wrong_way_is_known_by_the_first_words(
    broker: SecureKafka, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, advice = WAYS[way]
    environment = dict(broker.settings)
    give(environment, wrong(broker))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RelatoError, match=re.escape(advice)):
        require_welcome(cluster_of(Settings()))


def test_the_right_way_and_a_server_that_is_not_reached_are_nothing_to_tell(
    broker: SecureKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in broker.settings.items():
        monkeypatch.setenv(name, value)
    require_welcome(cluster_of(Settings()))
    require_welcome(cluster_of(Settings(kafka="127.0.0.1:9")))


@pytest.mark.parametrize("file", ["", "not a certificate"], ids=["missing", "broken"])
def test_certificates_that_cannot_be_read_are_told_at_once(
    broker: SecureKafka, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if file:
        (tmp_path / "ca.pem").write_text(file)
    for name, value in {**broker.settings, "RELATO_KAFKA_CA_FILE": str(tmp_path / "ca.pem")}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(KafkaTrustError, match="RELATO_KAFKA_CA_FILE has no certificates that can be read"):
        cluster_of(Settings())


@pytest.fixture(scope="module")
def idle(broker: SecureKafka) -> Iterator[Relato]:
    """Nothing runs but its PostgreSQL; the topics are there."""
    with made() as relato, served(relato):
        relato.environment.update(broker.settings)
        relato.make("customer.register", name="Ana Souza")
        relato("doctor")
        yield relato


@contextmanager
def begun(relato: Relato, log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            relato.command(*arguments), stdout=out, stderr=out, cwd=relato.folder, env=relato.environment
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(BOUND_S)


@pytest.mark.parametrize("way", ["another password", "another authority", "another host", "without anything"])
def test_what_is_wrong_is_told_in_time_with_what_to_do(
    idle: Relato, broker: SecureKafka, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, advice = WAYS[way]
    monkeypatch.setattr(idle, "environment", {**idle.environment, **wrong(broker)})
    parts = ("relay", "folds")
    with begun(idle, tmp_path / "relay", "run", "relay") as relay, begun(idle, tmp_path / "folds", "run", "folds"):
        began = time.monotonic()
        tail = idle(*TAIL, "--through", "kafka")
        assert (tail.status, tail.out) == (1, "")
        assert advice in tail.err
        assert time.monotonic() - began < BOUND_S
        assert f"subscribers {tail.err.removeprefix('relato: ')[:20]}" in idle.tell("status")
        for part in parts:
            log = tmp_path / part
            await_true(lambda log=log: advice in log.read_text(), log.read_text)  # type: ignore[misc]
        if "check RELATO_KAFKA_PROTOCOL" not in advice:
            assert relay.wait(BOUND_S) == 1


def test_a_server_that_says_nothing_is_waited_for_within_bounds(idle: Relato) -> None:
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        servers = f"127.0.0.1:{silent.getsockname()[1]}"
        require_welcome(Cluster(servers, {"security_protocol": "SSL"}))
        assert time.monotonic() - began < 2 * PROBE_S
        tail = idle(*TAIL, "--through", "kafka", RELATO_KAFKA=servers)
    assert (tail.status, "Kafka does not answer" in tail.err) == (1, True)
    assert time.monotonic() - began < BOUND_S
