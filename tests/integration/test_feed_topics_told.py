"""A feed's open topics as its documents tell them: where partners come in, as it is set, and nobody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.feeds.topics import Binding
from tests.conftest import Databases
from tests.webhooks import hook_shop

ELSEWHERE: dict[str, Any] = {"kafka_partners": "a:9094,b:9094", "kafka_partners_protocol": "SASL_PLAINTEXT"}


@pytest.mark.parametrize(
    ("settings", "servers", "protocol"),
    [
        ({"kafka": "ours:9092"}, "ours:9092", "SASL_SSL"),
        ({"kafka": "ours:9092", **ELSEWHERE}, "a:9094,b:9094", "SASL_PLAINTEXT"),
        ({}, "", "SASL_SSL"),
        ({"kafka": "embedded"}, None, None),
    ],
    ids=["ours", "elsewhere", "unknown", "not-running"],
)
def test_where_partners_come_in_is_told_as_it_is_set(
    databases: Databases, tmp_path: Path, settings: dict[str, str], servers: str | None, protocol: str | None
) -> None:
    with hook_shop(databases, tmp_path, **settings) as shop:
        feed, other = shop.agree(), shop.agree()
        topics = shop.installation.partner_topics
        assert topics.open(Binding("olaria", feed, shop.partner_id), "tester")
        (one,) = shop.installation.open_topics(feed)
        assert (one.topic.name, one.inbound.name) == ("crm.partner.olaria.v1", "crm.partner.olaria.inbound.v1")
        assert (one.settings.get("bootstrap.servers"), one.settings.get("security.protocol")) == (servers, protocol)
        assert one.settings["group.id"].startswith(one.group_prefix)
        assert not [name for name in one.settings if "password" in name]
        assert shop.installation.open_topics(other) == ()
        assert topics.close_topic("olaria", "tester")
        assert shop.installation.open_topics(feed) == ()
