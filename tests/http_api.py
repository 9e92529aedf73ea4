"""The API as its callers have it: a real server over a real ledger, with a key for each role."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from adapters.access.api_key import ApiKey, new_key
from adapters.http.access_log import AccessLog, note_opened
from adapters.http.api_keys import ApiKeys
from adapters.http.app import make_app
from adapters.http.leaving import Leaving
from adapters.http.parts import Limits, Parts, Webhooks
from adapters.http.principal import Authenticate
from adapters.http.server import listen, serve
from adapters.http.workers import Workers
from adapters.ids import uuid7
from adapters.importers.background import Imports
from adapters.importers.spool import Spool
from adapters.postgres.access_log import PostgresAccessLog
from adapters.postgres.attachments import PostgresAttachments
from adapters.postgres.erasures import PostgresErasures
from adapters.postgres.feeds import PostgresFeeds
from adapters.postgres.inbound_told import PostgresTold
from adapters.postgres.key_purposes import PostgresKeyPurposes
from adapters.postgres.ledger_source import LedgerSource
from adapters.postgres.pages import PostgresPages
from adapters.postgres.quarantine import PostgresQuarantine
from adapters.postgres.webhook_secrets import PostgresSecretPrints
from adapters.postgres.webhooks import PostgresWebhooks
from adapters.webhooks.signing import Signer
from deploy import import_process
from deploy.import_process import lead_imports
from deploy.processes import environment_of
from domain.access.facts import Role, Rows
from projections.catalogue import SERVICES
from projections.disclosure import Disclosure
from projections.engine.schema import connect
from projections.engine.worker import catch_up
from projections.teams import LARGEST_TEAM, team_of
from streams.inbound.intake import Intake
from streams.inbound.mending import Mending
from streams.webhooks.endpoints import endpoint_in
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.feeding import deliveries_of
from tests.searching import search_over

Answer = httpx.Response


class HttpApi:
    """`backend` is the same installation from inside."""

    def __init__(self, url: str, backend: Backend, databases: Databases) -> None:
        self.url, self.backend, self._databases = url, backend, databases
        self.client = httpx.Client(base_url=url, timeout=30)
        self._keys: dict[Role, ApiKey] = {}
        self.stopping = threading.Event()

    def admit(self, *roles: Role, acts_as: UUID | None = None, scope: Rows = Rows.ALL) -> ApiKey:
        key = new_key(uuid7())
        self.backend.do("access.admit", access_id=key.access_id, acts_as=acts_as)
        for role in roles:
            self.backend.do("access.grant_role", access_id=key.access_id, role=role, scope=scope)
        self.backend.do("access.issue_key", access_id=key.access_id, hash=key.hash)
        return key

    def key(self, role: Role) -> ApiKey:
        if role not in self._keys:
            self._keys[role] = self.admit(role)
        return self._keys[role]

    def _headers(self, role: Role | ApiKey | None, more: Mapping[str, str]) -> dict[str, str]:
        key = self.key(role) if isinstance(role, Role) else role
        return {**({"Authorization": f"Bearer {key.text}"} if key else {}), **more}

    def give(
        self, path: str, body: Any = None, *, role: Role | ApiKey | None = Role.ADMINISTRATOR, **headers: str
    ) -> Answer:
        """`POST /v1/…`; headers with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/v1/{path}", json={} if body is None else body, headers=self._headers(role, named))

    def ask(
        self,
        path: str,
        *,
        role: Role | ApiKey | None = Role.ADMINISTRATOR,
        headers: Mapping[str, str] = {},
        **query: Any,
    ) -> Answer:
        return self.client.get(path, params=query, headers=self._headers(role, headers))

    def register(self, **fields: Any) -> str:
        answer = self.give("customer/new/register", fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ids"]["customer_id"])

    def fold(self) -> None:
        open_log = partial(LedgerSource, self._databases.app, listen=False)
        with search_over(self.backend.vault, self._databases) as search:
            for service in (*SERVICES, search):
                catch_up(service, connect=partial(connect, self._databases.owner, service), open_log=open_log)


def parts_of(
    backend: Backend,
    databases: Databases,
    stack: ExitStack,
    *,
    around: Callable[[Authenticate], Authenticate] = lambda keys: keys,
    **more: Any,
) -> Parts:
    """`around` the API keys there may be more that opens."""

    def keep(part: Any) -> Any:
        stack.callback(part.close)
        return part

    pages = keep(PostgresPages(databases.owner, ZoneInfo("UTC")))
    team_of_one = partial(team_of, partial(pages.read, limit=LARGEST_TEAM))
    workers, keys = keep(Workers(8)), keep(PostgresKeyPurposes(databases.keys_app))

    feeds = keep(PostgresFeeds(databases.app))
    told = keep(PostgresTold(databases.app, backend.ledger, feeds))
    quarantine = keep(PostgresQuarantine(databases.app))
    intake = Intake(backend.executor, backend.vault, told, quarantine, clock=lambda: datetime.now(UTC))

    given: dict[str, Any] = {
        "executor": backend.executor,
        "vault": backend.vault,
        "log": backend.ledger,
        "attachments": keep(PostgresAttachments(databases.app)),
        "contents": backend.contents,
        "identities": keep(PostgresErasures(databases.app)),
        "pages": pages,
        "feeds": deliveries_of(backend, feeds),
        "intake": intake,
        "mending": Mending(intake, backend.vault),
        "webhooks": Webhooks(
            keep(PostgresWebhooks(databases.app)),
            partial(endpoint_in, backend.ledger),
            Signer(backend.vault, keep(PostgresSecretPrints(databases.app))).shown,
        ),
        "disclosure": lambda _, grant: Disclosure(backend.vault, keys, grant, on_opened=note_opened),
        "access_log": AccessLog(keep(PostgresAccessLog(databases.app)), keys.persons, workers),
        "authenticate": Leaving(
            around(ApiKeys(backend.ledger, workers, lambda: datetime.now(UTC), team_of_one)), backend.ledger, workers
        ),
        "workers": workers,
        "faults": list,
        "logs_requests": False,
    }
    return Parts(**(given | more))


@contextmanager
def importing(databases: Databases, master: str, home: Path | None, **settings: object) -> Iterator[Imports]:
    """Imports in processes of their own, as an installation has them."""
    with TemporaryDirectory(prefix="relato-") as temporary:
        folder = home or Path(temporary)
        given = {
            "home": folder,
            "database": databases.owner,
            "keys_database": databases.keys_owner,
            "master_key": master,
        }
        environment = environment_of({f"RELATO_{name.upper()}": str(part) for name, part in (given | settings).items()})
        lead = partial(lead_imports, databases.app)
        imports = Imports(Spool(folder / "imports"), partial(import_process.start_in, environment), lead)
        with closing(imports):
            yield imports


class QuickLimits(Limits):
    """So that a test of a limit is soon over."""

    body_bytes = 100_000
    body_s = 1.0
    fold_s = 0.2
    command_s = 3.0
    heartbeat_s = 0.3
    stalled_s = 1.0
    reread_s = 0.1
    failures_per_minute = 0


@contextmanager
def served(
    databases: Databases, *, home: Path | None = None, settings: Mapping[str, object] = {}, **more: Any
) -> Iterator[HttpApi]:
    """`home` and `settings` are those of the processes that import."""
    with ExitStack() as stack:
        master = new_master()
        backend = stack.enter_context(Backend.open(databases.app, databases.keys_app, master))
        imports = stack.enter_context(importing(databases, master, home, **settings))
        given: dict[str, Any] = {"limits": QuickLimits(), "imports": imports}
        parts = parts_of(backend, databases, stack, **(given | more))
        app = make_app(parts)
        listener = stack.enter_context(listen("127.0.0.1", 0))
        api = HttpApi(f"http://127.0.0.1:{listener.getsockname()[1]}", backend, databases)
        stack.callback(api.client.close)
        stop, ready = api.stopping, threading.Event()
        thread = threading.Thread(target=serve, args=(app, listener, stop, ready.set, parts.streams.end))
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        assert ready.wait(10)
        yield api
