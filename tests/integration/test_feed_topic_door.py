"""A feed that has ended is closed in Kafka too: its partner's user is gone, and nothing is sent any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.kafka import partners
from deploy.doors import Topics
from tests.conftest import Databases
from tests.partnering import Partnership, with_broker

pytestmark = pytest.mark.kafka


@pytest.fixture
def shop(databases: Databases, tmp_path: Path) -> Iterator[Partnership]:
    with with_broker(databases, tmp_path) as shop:
        yield shop


def test_the_user_of_an_ended_feed_is_withdrawn_however_often_and_no_others(shop: Partnership) -> None:
    ended, other = shop.agree(), shop.agree()
    shop.add("olaria", ended)
    shop.add("vidros", other)
    door = Topics(shop.installation)
    for _ in range(2):
        door.close(ended, shop.partner_id)
    assert [binding.name for binding in shop.installation.partner_topics.bindings()] == ["vidros"]
    assert [partners.has_user(shop.cluster, name) for name in ("olaria", "vidros")] == [False, True]
