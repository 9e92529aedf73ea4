"""A secret that the key database has lost: its endpoint waits, says so, and goes on once that is mended."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from standardwebhooks import Webhook

from adapters.ids import uuid7
from adapters.keys.master import MasterKey
from adapters.postgres import backup
from adapters.postgres.key_store import PostgresKeyStore
from adapters.postgres.migrate import connect, migrate
from adapters.postgres.server import PostgresServer
from adapters.postgres.webhook_secrets import PostgresSecretPrints
from deploy import checks
from deploy.wiring import Databases as Places
from deploy.wiring import Installation
from domain.errors import SecretLostError
from streams.webhooks import queue
from streams.webhooks.endpoints import endpoint_in
from tests.backend import Backend, new_master
from tests.conftest import MIGRATIONS, Databases
from tests.feeding import agree, partner
from tests.receiving import Receiver, receiving
from tests.webhooks import HookShop, await_true, delivering, hook_shop

TAKE = "delete from keys.secret where name like 'webhook %' returning name, wrapped"
GIVE = "insert into keys.secret (name, wrapped) values (%s, %s)"
NAMES = "select name from keys.secret where name like 'webhook %' order by 1"
UNKNOWN = "delete from feeds.webhook_secret"
PRINTS = "select endpoint, number, print from feeds.webhook_secret order by 1, 2"


@pytest.fixture
def shop(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HookShop]:
    monkeypatch.setattr(queue, "SECRET_S", 0.1)
    with hook_shop(databases, tmp_path) as shop:
        yield shop


@contextmanager
def begun_anew(shop: HookShop, keys: str | None = None) -> Iterator[Installation]:
    """As another process has it, over another key database where one is given."""
    given = shop.databases
    owner, app = (given.keys_owner, given.keys_app) if keys is None else (keys, keys)
    with Installation(shop.installation.settings, databases=Places(given.owner, given.app, owner, app)) as installation:
        yield installation


@pytest.fixture
def older(shop: HookShop, postgres: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """The key database as it was before there were endpoints, restored from a dump."""
    _ = shop.installation.vault
    backup.dump(shop.databases.keys_owner, ["keys", "public"], tmp_path / "keys.dump")
    name = f"older_{uuid7().hex}"
    with connect(postgres.dsn()) as db:
        db.execute(f"create database {name}".encode())
    backup.load(postgres.dsn(name), tmp_path / "keys.dump")
    yield postgres.dsn(name)
    with connect(postgres.dsn()) as db:
        db.execute(f"drop database {name} with (force)".encode())


def shown(installation: Installation, endpoint_id: UUID) -> str:
    return installation.webhook_signer.shown(endpoint_id, endpoint_in(installation.ledger, endpoint_id))


def verify_last(receiver: Receiver, secret: str) -> None:
    Webhook(secret).verify(receiver.heard[-1].body, receiver.heard[-1].headers)


def doctor(installation: Installation) -> tuple[bool, str]:
    told = checks._try("webhook secrets", lambda: checks._describe_webhook_secrets(installation))
    return told.is_fine, told.advice or told.found


def test_an_endpoint_whose_secret_is_gone_waits_and_goes_on_by_itself_when_it_is_back(shop: HookShop) -> None:
    feed = shop.agree()
    with receiving() as receiver:
        with delivering(shop.installation):
            endpoint_id = shop.endpoint(feed, receiver.url)
            secret = shown(shop.installation, endpoint_id)
            shop.enter(1)
            await_true(lambda: receiver.numbers == [1])
        assert doctor(shop.installation) == (True, "of 1 endpoints")
        with psycopg.connect(shop.databases.keys_owner) as db:
            taken = db.execute(TAKE).fetchall()
        with begun_anew(shop) as installation, delivering(installation):
            shop.enter(2)
            await_true(lambda: shop.state(endpoint_id) == "waiting")
            found = shop.standing(endpoint_id)
            assert found
            assert "Restore it, or `relato webhook rotate ENDPOINT`" in found.reason
            assert (found.failures, found.since, found.taken, found.behind) == (0, None, 1, 1)
            assert shop.ask(endpoint_id).startswith("not taken: The key database lost a webhook's secret")
            with pytest.raises(SecretLostError):
                shown(installation, endpoint_id)
            is_fine, advice = doctor(installation)
            assert (is_fine, str(endpoint_id) in advice, "relato webhook rotate" in advice) == (False, True, True)
            assert receiver.numbers == [1]
            with psycopg.connect(shop.databases.keys_owner) as db:
                assert db.execute(NAMES).fetchall() == []
                db.cursor().executemany(GIVE, taken)
            await_true(lambda: receiver.numbers == [1, 2])
            verify_last(receiver, secret)
            await_true(lambda: shop.state(endpoint_id) == "active")


def test_over_an_older_key_database_only_who_lost_a_secret_waits_until_it_is_rotated(
    shop: HookShop, older: str
) -> None:
    feed = shop.agree()
    with receiving() as receiver, receiving() as other:
        with delivering(shop.installation):
            endpoint_id = shop.endpoint(feed, receiver.url)
            shop.enter(1)
            await_true(lambda: receiver.numbers == [1])
        with begun_anew(shop, older) as installation, delivering(installation):
            shop.endpoint(feed, other.url)
            shop.enter(2)
            await_true(lambda: shop.state(endpoint_id) == "waiting")
            await_true(lambda: other.numbers == [1, 2])
            shop.do("rotate_secret", endpoint_id, replaced_until=datetime.now(UTC) + timedelta(hours=24))
            secret = shown(installation, endpoint_id)
            await_true(lambda: receiver.numbers == [1, 2])
            verify_last(receiver, secret)
            await_true(lambda: shop.state(endpoint_id) == "active")
        with psycopg.connect(older) as db:
            assert (f"webhook {endpoint_id} 1",) not in db.execute(NAMES).fetchall()


def test_a_secret_made_before_its_print_was_kept_is_the_one_that_signs(shop: HookShop) -> None:
    """The process ended between the two, or a ledger of a release that kept no prints is gone on with."""
    feed = shop.agree()
    endpoint_id = shop.endpoint(feed, "http://127.0.0.1:9/")
    secret = shown(shop.installation, endpoint_id)
    with psycopg.connect(shop.databases.owner) as db:
        assert len(db.execute(PRINTS).fetchall()) == 1
        db.execute(UNKNOWN)
    with begun_anew(shop) as installation:
        assert shown(installation, endpoint_id) == secret
    with psycopg.connect(shop.databases.owner) as db:
        [(_, _, seen)] = db.execute(PRINTS).fetchall()
    assert Webhook(secret)._whsecret not in bytes(seen)


def test_what_signed_before_prints_were_kept_is_never_made_anew(postgres: PostgresServer, tmp_path: Path) -> None:
    """Over a ledger of the release before: by its delivery log, the migration knows what signed."""
    for name in ("ledger_before", "keys_before"):
        with connect(postgres.dsn()) as db:
            db.execute(f"create database {name}".encode())
    for file in sorted((MIGRATIONS / "ledger").glob("*.sql")):
        if file.name < "0011":
            shutil.copy(file, tmp_path / file.name)
    migrate(postgres.dsn("ledger_before"), tmp_path)
    migrate(postgres.dsn("keys_before"), MIGRATIONS / "keys")
    owner, app, master = postgres.dsn("ledger_before"), postgres.dsn("ledger_before", "relato_app"), new_master()
    with Backend.open(app, postgres.dsn("keys_before", "relato_app"), master) as backend:
        feed, used, unused = agree(backend, partner(backend)), uuid7(), uuid7()
        for endpoint_id in (used, unused):
            backend.do("endpoint.add", endpoint_id=endpoint_id, agreement_id=feed, url="https://partner.example/")
        until = datetime.now(UTC) + timedelta(hours=1)
        backend.do("endpoint.rotate_secret", endpoint_id=used, replaced_until=until)
        with psycopg.connect(owner) as db:
            standings = [(used, feed), (unused, feed)]
            db.cursor().executemany("insert into feeds.webhook values (%s, %s, 0, true)", standings)
            db.execute(
                "insert into feeds.webhook_attempt (endpoint, at, kind, took_ms)"
                " values (%s, clock_timestamp() + interval '2 minutes', 'entry', 1)",
                [used],
            )
        assert migrate(owner, MIGRATIONS / "ledger") == ["0011_webhook_secrets.sql"]
        with psycopg.connect(owner) as db:
            assert db.execute(PRINTS).fetchall() == [(used, 1, None), (used, 2, None)]
        with closing(PostgresSecretPrints(app)) as prints:
            assert prints.is_known(used, 2)
            assert prints.remember(used, 2, b"first") == b"first"
            assert prints.remember(used, 2, b"other") == b"first"
            assert not prints.is_known(unused, 1)


def test_the_store_finds_a_secret_and_makes_none(databases: Databases) -> None:
    with closing(PostgresKeyStore(databases.keys_app)) as keys:
        master = MasterKey.from_text(new_master()).wrapping
        assert keys.find_secret("one") is None
        assert keys.secret("one", b"wrapped", master.print) == b"wrapped"
        assert keys.find_secret("one") == b"wrapped"
