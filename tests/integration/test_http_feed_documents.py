"""A feed's documents and sandbox over HTTP: exactly what its partner sees, before it sees anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import jsonschema_rs
import pytest

from adapters.access.api_key import ApiKey
from domain.access.facts import Role
from streams.inbound.types import TYPES
from tests.conftest import Databases
from tests.documented import require_answer, topics
from tests.feeding import agree, amend, enter_all, numbers, partner, place, product, terms
from tests.http_api import Answer, HttpApi, served
from tests.http_streams import following

ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines", "country", "note"]}
CUSTOMERS = {
    "type": "crm.customer.registered.v1",
    "fields": ["name", "reference", "country", "seller_id"],
    "masks": {"name": "first_letter"},
}
CONTACTS = {"type": "crm.customer.contact_added.v1", "fields": ["person_id", "name", "role"]}
ERASED = {"type": "crm.customer.person_erased.v1", "fields": ["person_ids", "everyone"]}


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


class Agreed(NamedTuple):
    api: HttpApi
    partner_id: UUID
    feed: UUID
    key: ApiKey

    def ask(self, path: str = "", role: Any = None, **query: Any) -> Answer:
        return self.api.ask(f"/v1/feeds/{self.feed}{path}", role=role or self.key, **query)

    def send(self, content: Any) -> Answer:
        kind = MANY if isinstance(content, list) else ONE
        headers = {"Authorization": f"Bearer {self.key.text}", "Content-Type": kind}
        return self.api.client.post(f"/v1/feeds/{self.feed}/inbound", content=json.dumps(content), headers=headers)

    def fitting(self, **query: Any) -> jsonschema_rs.Validator:
        return jsonschema_rs.validator_for(self.ask("/schemas.json", **query).json(), validate_formats=True)

    def sandbox(self, **query: Any) -> Any:
        return self.ask("/sandbox", limit=1_000, **query).json()


def agreed(api: HttpApi, *shows: dict[str, Any], active: bool = True, accepts: Iterable[str] = ()) -> Agreed:
    partner_id = partner(api.backend)
    accepted = [{"type": type_} for type_ in accepts]
    feed = agree(api.backend, partner_id, terms(*shows, accepts=accepted), active=active)
    return Agreed(api, partner_id, feed, api.admit(Role.PARTNER, acts_as=partner_id))


def test_every_event_of_the_feed_and_of_the_sandbox_fits_the_schema(api: HttpApi, databases: Databases) -> None:
    ours = agreed(api, ORDERS, CUSTOMERS, CONTACTS, ERASED)
    item, seller = product(api.backend, ours.partner_id), partner(api.backend)
    ana, rui = (api.backend.customer(name=name, reference="N 1", country="PT") for name in ("Ana Lima", "Rui"))
    api.backend.customer()
    for customer_id in (ana, rui):
        person_id = seller if customer_id == ana else ours.partner_id
        api.backend.do("customer.add_contact", customer_id=customer_id, person_id=person_id, name="Eva", role="buyer")
        place(api.backend, customer_id, item, note="ring twice", country="PT")
    place(api.backend, None, item)
    amend(api.backend, ours.feed, terms({**ORDERS, "fields": ["lines.quantity", "note"]}, CUSTOMERS, CONTACTS, ERASED))
    place(api.backend, rui, item, note="again")
    api.backend.do("customer.erase", customer_id=ana)
    enter_all(databases.app)
    events = ours.ask(limit=1_000).json()["events"]
    kinds = {event["type"] for event in events}
    assert {"crm.feed.withheld.v1", "crm.feed.tombstone.v1", "crm.feed.changed.v1", ORDERS["type"]} <= kinds
    fits = ours.fitting()
    for event in (*events, *ours.sandbox()["events"]):
        fits.validate(event)
        one = ours.ask(f"/schemas/{event['type']}.json")
        assert jsonschema_rs.validator_for(one.json()).is_valid(event)


def test_a_draft_can_be_built_against_before_it_holds(api: HttpApi, databases: Databases) -> None:
    ours = agreed(api, ORDERS, active=False)
    before = api.backend.ledger.last_position()
    told = ours.sandbox()
    assert told["head"] == {"feed_seq": told["next"], "caught_up": True, "complete_until": None}
    for event in told["events"]:
        ours.fitting().validate(event)
        assert event["source"] == f"/relato/test/feeds/{ours.feed}/sandbox"
    assert api.backend.ledger.last_position() == before
    enter_all(databases.app)
    assert ours.ask().json()["events"] == []
    api.backend.do("agreement.amend", agreement_id=ours.feed, terms=terms(CUSTOMERS))
    assert {event["type"] for event in ours.sandbox()["events"]} >= {CUSTOMERS["type"]}
    assert {event["type"] for event in ours.sandbox(version=1)["events"]} >= {ORDERS["type"]}
    api.backend.do("agreement.activate", agreement_id=ours.feed, version=1)
    assert ours.ask("/asyncapi.json").json()["info"]["version"] == "1"
    assert ours.ask("/sandbox", version=3).status_code == 404


def test_a_sandbox_is_paged_kept_waited_for_and_followed_as_a_feed(api: HttpApi) -> None:
    ours = agreed(api, ORDERS)
    everything = ours.sandbox()
    events, head = everything["events"], everything["head"]["feed_seq"]
    page = ours.ask("/sandbox", after=5, limit=10)
    assert page.json()["events"] == events[5:15]
    again = ours.ask("/sandbox", after=5, limit=10, headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ours.ask("/sandbox", after=head, wait=1).json()["events"] == []
    beyond = ours.ask("/sandbox", after=head + 1)
    assert (beyond.status_code, beyond.json()["code"]) == (422, "feed-position")
    with following(api, f"/v1/feeds/{ours.feed}/sandbox", last_id=38) as stream:
        assert [message.event for message in stream.take(3)] == ["fact", "tombstone", "changed"]
    assert numbers(events) == list(range(1, head + 1))


def test_another_partners_documents_are_not_there_and_for_colleagues_they_are_closed(api: HttpApi) -> None:
    ours, theirs = agreed(api, ORDERS), agreed(api, CUSTOMERS)
    for path in ("/sandbox", "/asyncapi.json", "/openapi.json", "/schemas.json", f"/schemas/{ORDERS['type']}.json"):
        assert ours.ask(path).status_code == 200, path
        assert ours.ask(path, role=theirs.key).status_code == 404, path
        assert ours.ask(path, role=Role.SALES).status_code == 403, path
        assert ours.ask(path, role=Role.ADMINISTRATOR).status_code == 200, path
    assert ours.ask(f"/schemas/{CUSTOMERS['type']}.json").status_code == 404
    assert ours.ask("/schemas.json", version=0).status_code == 422


def test_what_the_document_says_may_be_sent_is_taken_and_answered_as_it_says(api: HttpApi) -> None:
    ours = agreed(api, ORDERS, accepts=TYPES)
    openapi = ours.ask("/openapi.json").json()
    path = f"/v1/feeds/{ours.feed}/inbound"
    content = openapi["paths"][path]["post"]["requestBody"]["content"]
    examples = [one["value"] for one in content[ONE]["examples"].values()]
    assert {example["type"] for example in examples} == TYPES.keys()
    lead = next(example for example in examples if example["type"] == "partner.lead.v1")
    answers = [ours.send(example) for example in [*examples, lead, {**lead, "time": "2026-01-06T10:00:00Z"}]]
    assert sorted(answer.status_code for answer in answers) == [200, 201, 404, 404, 404, 409]
    unfit = [ours.send(one) for one in ({**lead, "id": "x", "data": {}}, {"id": "y"}, [], "z")]
    assert [answer.status_code for answer in unfit] == [422, 422, 400, 422]
    batch = ours.send([*content[MANY]["example"], {}])
    assert [one["verdict"] for one in batch.json()["verdicts"]].count("repeated") == 1
    for answer in (*answers, *unfit, batch):
        require_answer(openapi, "post", path, answer)
    refused = ours.ask("/inbound")
    assert {one["state"] for one in refused.json()["refused"]} == {"held"}
    require_answer(openapi, "get", path, refused)
    for id_ in (lead["id"], "unheard of"):
        require_answer(openapi, "get", f"{path}/verdict", ours.ask("/inbound/verdict", source="/erp", id=id_))
    assert ours.ask("/schemas/partner.lead.v1.json").json()["properties"]["type"] == {"const": "partner.lead.v1"}


def test_what_is_not_accepted_is_not_described(api: HttpApi) -> None:
    ours = agreed(api, ORDERS, accepts=["partner.lead.v1"])
    assert ours.ask("/schemas/partner.shipment.v1.json").status_code == 404
    assert "partner.shipment.v1" not in ours.ask("/openapi.json").text
    amend(api.backend, ours.feed, terms(ORDERS))
    assert "inbound" not in ours.ask("/openapi.json").text
    assert "partner.lead.v1" in ours.ask("/openapi.json", version=1).text


def test_a_topic_is_told_to_its_partner_and_operators_alone(databases: Databases) -> None:
    open_for: dict[UUID, Any] = {}
    with served(databases, open_topics=lambda feed: open_for.get(feed, ())) as api:
        ours, theirs = agreed(api, ORDERS), agreed(api, ORDERS)
        open_for[ours.feed] = [topics("olaria")]
        for role in (ours.key, Role.ADMINISTRATOR):
            assert "crm.partner.olaria.v1" in ours.ask("/asyncapi.json", role=role).json()["channels"]
        assert ours.ask("/asyncapi.json", role=theirs.key).status_code == 404
        assert "olaria" not in theirs.ask("/asyncapi.json").text
