"""Nothing is open over HTTP that the allow-list does not open: every route, with every role, and without."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from adapters.access.api_key import ApiKey, new_key
from adapters.http.api_keys import TERM_S
from adapters.ids import uuid7
from domain.access.facts import Held, Role, Rows
from domain.catalogue import REGISTRY
from projections.asking import owner_column
from projections.catalogue import VIEWS
from projections.disclosure import DEPARTMENTS, Grant, act_of, grant_of
from projections.whose import SEATS
from tests.conftest import Databases
from tests.http_api import HttpApi, served

OPEN = {"/health/live", "/health/ready", "/problems", "/problems/{code}"}
DOCUMENTS = {"/openapi.json", "/docs", "/docs/assets/swagger-ui.css"}
OPERATED = {"/metrics"}
HELD = [*map(Held, Role), *(Held(role, Rows.OWN) for role in Role), Held(Role.MANAGEMENT, Rows.TEAM)]
DENIED = {401, 403}


class Door(NamedTuple):
    method: str
    path: str


def doors(api: HttpApi) -> list[Door]:
    """What is documented, and what the router has besides."""
    paths = api.client.get("/openapi.json").json()["paths"]
    told = [Door(method.upper(), path) for path, methods in paths.items() for method in methods]
    return list(dict.fromkeys([*told, *(Door("GET", path) for path in DOCUMENTS)]))


def is_open(door: Door, held: Held | None) -> bool:
    """The table: what the allow-list says of a door. A door that it does not know is nobody's."""
    if door.path in OPEN | DOCUMENTS:
        return True
    if held is None:
        return False
    grant = grant_of(held)
    area, last = door.path.split("/")[2:3], door.path.split("/")[-1]
    command = f"{''.join(area)}.{last}"
    views = {f"/v1/{shown.service}/{shown.view.name}": shown for shown in VIEWS.values()}
    if door.method == "POST" and command in {one.command.NAME for one in REGISTRY}:
        return may_give(command, grant)
    if area in (["imports"], ["mappings"]):
        return grant.operates
    if "attachments" in door.path:
        if door.method == "POST":
            return grant.commands
        return works_with(area[0], grant)
    if (shown := views.get(door.path)) is not None:
        is_told = grant.rows is Rows.ALL or owner_column(shown.view, grant) is not None
        return shown.service in grant.services and is_told
    if door.path == "/v1/search":
        return bool(grant.services & DEPARTMENTS)
    if last in ("facts", "open") and area[0] in DEPARTMENTS:
        return area[0] in grant.services and grant.rows is Rows.ALL
    if area == ["quarantine"]:
        return grant.operates
    if area == ["webhooks"]:
        return grant.operates if last == "secret" else grant.feeds
    if area == ["feeds"]:
        return grant.sends if door.method == "POST" and last == "inbound" else grant.feeds
    if area == ["customers"]:
        return grant.history
    if door.path in OPERATED:
        return grant.operates
    return door.path == "/v1/batch"  # each command in it is a door of its own


def may_give(command: str, grant: Grant) -> bool:
    """Of something that is there."""
    act, aggregate = act_of(command), command.partition(".")[0]
    if not getattr(grant, act) or grant.rows is Rows.ALL or act != "commands" or aggregate == "attachment":
        return bool(getattr(grant, act))
    return aggregate in SEATS and works_with(aggregate, grant)


def works_with(aggregate: str, grant: Grant) -> bool:
    is_seen = bool(grant.services.intersection(SEATS[aggregate].services))
    return is_seen and (grant.rows is Rows.ALL or SEATS[aggregate].view is not None)


def knock(api: HttpApi, door: Door, key: ApiKey | None) -> int:
    """The status alone: some doors lead to streams without an end."""
    path = re.sub(r"\{\w+_id\}", str(uuid7()), door.path).replace("{code}", "version").replace("{id}", str(uuid7()))
    headers = {"Authorization": f"Bearer {key.text}"} if key else {}
    body = {"commands": []} if door.path == "/v1/batch" else {} if door.method == "POST" else None
    with api.client.stream(door.method, path, headers=headers, json=body) as answer:
        return answer.status_code


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        api.fold()
        yield api


def test_each_role_opens_what_the_allow_list_opens_to_it_and_nothing_else(api: HttpApi) -> None:
    keys = {held: api.admit(held.role, acts_as=uuid7(), scope=held.scope) for held in HELD}
    found = doors(api)
    assert len(found) > len(VIEWS) + len(list(REGISTRY))
    for door in found:
        for held, key in keys.items():
            status = knock(api, door, key)
            assert (status not in DENIED) if is_open(door, held) else status == 403, (door, held, status)


def test_no_key_and_none_that_opens_no_more_open_anything(api: HttpApi) -> None:
    expired, revoked, wrong = (api.admit(*Role) for _ in range(3))
    late = new_key(expired.access_id)
    past = datetime.now(UTC) - timedelta(seconds=1)
    api.backend.do("access.issue_key", access_id=late.access_id, hash=late.hash, expires_at=past)
    assert knock(api, Door("GET", "/v1/sales/pipeline"), revoked) == 200
    api.backend.do("access.revoke_key", access_id=revoked.access_id, hash=revoked.hash)
    time.sleep(TERM_S + 0.1)
    for door in doors(api):
        for key in (None, late, revoked, new_key(wrong.access_id), new_key(uuid7())):
            status = knock(api, door, key)
            assert (status not in DENIED) if is_open(door, None) else status == 401, (door, status)


def test_a_command_in_a_batch_is_a_door_of_its_own(api: HttpApi) -> None:
    batch = {"commands": [{"command": one.command.NAME, "id": str(uuid7()), "with": {}} for one in REGISTRY]}
    for held in HELD:
        answer = api.give("batch", batch, role=api.admit(held.role, acts_as=uuid7(), scope=held.scope))
        for one, verdict in zip(REGISTRY, answer.json()["verdicts"], strict=True):
            is_denied = verdict["status"] in DENIED
            assert is_denied is not may_give(one.command.NAME, grant_of(held)), (held, one, verdict)
