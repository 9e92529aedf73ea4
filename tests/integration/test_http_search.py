"""Search over HTTP: found in whichever form it is asked for, by who may see it, and not once the person is erased."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from adapters.access.api_key import ApiKey
from adapters.ids import uuid7
from adapters.postgres.access_log import PostgresAccessLog
from adapters.postgres.erasures import PostgresErasures
from domain.access.facts import Role, Rows
from streams.eraser import Eraser
from tests.conftest import Databases
from tests.http_api import HttpApi, served

SEEING = [role for role in Role if role is not Role.PARTNER]


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


def give(api: HttpApi, path: str, **body: Any) -> dict[str, str]:
    answer = api.give(path, body)
    assert answer.status_code == 201, answer.text
    ids: dict[str, str] = answer.json()["ids"]
    return ids


def search(
    api: HttpApi, words: str, *kinds: str, role: Role | ApiKey = Role.ADMINISTRATOR, **query: Any
) -> list[dict[str, Any]]:
    answer = api.ask("/v1/search", role=role, q=words, kind=kinds, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in found]


def fields(found: list[dict[str, Any]]) -> set[str]:
    return {match["field"] for row in found for match in row["matches"]}


def erase(api: HttpApi, databases: Databases, customer_id: str) -> None:
    api.backend.do("customer.erase", customer_id=UUID(customer_id))
    with closing(PostgresErasures(databases.app)) as erasures:
        Eraser(erasures, api.backend.vault, api.backend.executor).run_once()


def test_a_customer_is_found_by_word_by_misspelling_and_the_exact_one_comes_first(api: HttpApi) -> None:
    souza, sousa = api.register(name="Ana Souza"), api.register(name="Ána SOUSA", reference="K-4711")
    api.register(name="Rui Costa")
    api.fold()
    assert ids(search(api, "ana souza")) == [souza, sousa]
    assert ids(search(api, "SOUSA")) == [sousa, souza]
    assert ids(search(api, "anna souzza")) == [souza, sousa]
    assert ids(search(api, "k-4711")) == [sousa]
    assert ids(search(api, "ana nobody")) == []
    (row, _) = search(api, "sousa")
    assert (row["kind"], row["score"], row["customer_name"]) == ("customer", 1.0, "Ána SOUSA")
    assert row["matches"] == [{"field": "names", "text": {"name": "Ána SOUSA", "reference": "K-4711"}}]


def test_an_address_and_a_number_are_found_in_another_form(api: HttpApi) -> None:
    ana, rui = api.register(name="Ana"), api.register(name="Rui")
    give(api, f"customer/{ana}/add_contact_point", channel="email", value="Ana.Lima@Example.PT")
    give(api, f"customer/{ana}/add_contact_point", channel="telephone", value="+351 912 345 678")
    give(api, f"customer/{rui}/add_contact_point", channel="email", value="rui.lima@example.pt")
    api.fold()
    assert ids(search(api, "<ana.lima@EXAMPLE.pt>")) == [ana]
    for number in ("912345678", "00351 912-345-678", "(+351) 912.345.678", "+351912345678"):
        assert ids(search(api, number)) == [ana], number
    assert ids(search(api, "+351 912 345 679")) == []
    assert set(ids(search(api, "lima"))) == {ana, rui}


def test_contacts_interactions_and_tickets_are_found_by_what_was_said(api: HttpApi) -> None:
    firm, person = api.register(name="Acme", kind="company"), str(uuid7())
    give(api, f"customer/{firm}/add_contact", person_id=person, name="Beatriz Amaral")
    told = "We spoke of the renewal for an hour or so, and agreed. " * 9 + "The Oscilloscope arrives on Tuesday."
    call = give(api, "interaction/new/log", customer_id=firm, channel="telephone", direction="inbound", content=told)
    give(api, f"interaction/{call['interaction_id']}/take_note", customer_id=firm, kind="factual", content="likes jazz")
    ticket = give(api, "ticket/new/open", customer_id=firm, summary="The printer smokes")["ticket_id"]
    give(api, f"ticket/{ticket}/note", content="Fuser was replaced")
    api.fold()
    assert [(row["kind"], row["id"], row["customer_id"]) for row in search(api, "beatris")] == [
        ("contact", person, firm)
    ]
    (found,) = search(api, "oscilloscope")
    assert (found["kind"], found["id"]) == ("interaction", call["interaction_id"])
    assert "Oscilloscope arrives" in found["matches"][0]["text"]["content"]
    assert len(found["matches"][0]["text"]["content"]) <= 202
    assert ids(search(api, "jazz")) == [call["interaction_id"]]
    assert [fields(search(api, word)) for word in ("smokes", "fuser")] == [{"summary"}, {"ticket_note"}]
    assert ids(search(api, "printer fuser")) == [ticket]
    assert search(api, "printer", "customer", "contact") == []
    assert ids(search(api, "printer", "ticket", "contact")) == [ticket]


def test_what_is_corrected_or_taken_away_is_found_no_more(api: HttpApi) -> None:
    ana, person = api.register(name="Ana Lima"), str(uuid7())
    give(api, f"customer/{ana}/add_contact_point", channel="email", value="old@example.pt")
    give(api, f"customer/{ana}/add_contact", person_id=person, name="Zacarias")
    call = give(api, "interaction/new/log", customer_id=ana, channel="chat", direction="inbound", content="wrong thing")
    api.fold()
    give(api, f"customer/{ana}/amend", name="Ana Braga")
    give(api, f"customer/{ana}/remove_contact_point", channel="email", value="old@example.pt")
    give(api, f"customer/{ana}/remove_contact", person_id=person)
    give(api, f"interaction/{call['interaction_id']}/correct", content="right thing")
    api.fold()
    for gone in ("lima", "old@example.pt", "zacarias", "wrong"):
        assert search(api, gone) == [], gone
    assert ids(search(api, "braga")) == [ana]
    assert ids(search(api, "right")) == [call["interaction_id"]]


def test_each_role_finds_what_it_may_see_and_nothing_else(api: HttpApi) -> None:
    ana, child = api.register(name="Ana Lima"), str(uuid7())
    give(api, f"customer/{ana}/add_contact", person_id=child, name="Lima junior", minor=True)
    give(api, "interaction/new/log", customer_id=ana, channel="chat", direction="inbound", content="of Lima")
    give(api, "ticket/new/open", customer_id=ana, summary="for Lima")
    api.fold()
    every = {"names", "content"}
    departments = {Role.SALES: every, Role.MARKETING: every, Role.SUPPORT: {*every, "summary"}}
    all_seeing = {*every, "summary"}
    chiefs = {Role.MANAGEMENT: all_seeing, Role.AUDITOR: all_seeing, Role.ADMINISTRATOR: {*all_seeing, "child_name"}}
    for role, seen in {**departments, **chiefs}.items():
        assert fields(search(api, "lima", role=role)) == seen, role
    assert api.ask("/v1/search", role=Role.PARTNER, q="lima").status_code == 403


def test_who_sees_their_own_or_their_teams_rows_finds_no_others(api: HttpApi) -> None:
    team, sam, tom = uuid7(), uuid7(), uuid7()
    for seller, name in ((sam, "Sam"), (tom, "Tom")):
        give(api, f"employee/{seller}/hire", name=name, team_id=str(team))
    mine, theirs = api.register(name="Ana", seller_id=str(sam)), api.register(name="Ana", seller_id=str(tom))
    ticket = give(api, "ticket/new/open", customer_id=theirs, summary="Ana waits")["ticket_id"]
    give(api, f"ticket/{ticket}/assign", agent_id=str(sam))
    give(api, "interaction/new/log", customer_id=theirs, channel="chat", direction="inbound", content="Ana said")
    api.fold()
    own, of_team = (api.admit(Role.SALES, acts_as=sam, scope=scope) for scope in (Rows.OWN, Rows.TEAM))
    assert ids(search(api, "ana", role=own)) == [mine]
    assert set(ids(search(api, "ana", "customer", role=of_team))) == {mine, theirs}
    assert set(ids(search(api, "ana", role=api.admit(Role.SUPPORT, acts_as=sam, scope=Rows.OWN)))) == {mine, ticket}
    both = api.admit(Role.SALES, acts_as=sam, scope=Rows.OWN)
    api.backend.do("access.grant_role", access_id=both.access_id, role=Role.SUPPORT, scope=Rows.ALL)
    assert len(search(api, "ana", role=both)) == 4


def test_an_erased_person_is_found_no_more_not_even_before_the_keys_are_gone(
    api: HttpApi, databases: Databases
) -> None:
    ana, other = api.register(name="Ana Lima"), api.register(name="Lima Trade")
    give(api, f"customer/{ana}/add_contact_point", channel="telephone", value="912345678")
    give(api, "interaction/new/log", customer_id=ana, channel="chat", direction="inbound", content="spoke of jazz")
    give(api, "ticket/new/open", customer_id=ana, summary="smoke")
    api.fold()
    assert len(search(api, "lima")) == 2
    api.backend.do("customer.erase", customer_id=UUID(ana))
    api.fold()
    for words in ("ana", "912345678", "jazz", "smoke"):
        assert search(api, words) == [], words
    assert ids(search(api, "lima")) == [other]
    erase(api, databases, other)
    assert search(api, "lima") == []  # folded or not


def test_a_contact_is_erased_alone(api: HttpApi) -> None:
    firm, person = api.register(name="Amaral and sons"), uuid7()
    give(api, f"customer/{firm}/add_contact", person_id=str(person), name="Beatriz Amaral")
    give(api, f"customer/{firm}/add_contact_point", person_id=str(person), channel="email", value="b@amaral.pt")
    api.fold()
    assert set(ids(search(api, "amaral"))) == {firm, str(person)}
    api.backend.do("customer.erase", customer_id=UUID(firm), person_id=person)
    api.fold()
    assert ids(search(api, "amaral")) == [firm]
    assert search(api, "b@amaral.pt") == []


def test_what_was_anonymous_is_found_and_erased_with_the_customer_it_turned_out_to_be(
    api: HttpApi, databases: Databases
) -> None:
    ticket = give(api, "ticket/new/open", summary="Nobody knows the trouble")["ticket_id"]
    api.fold()
    (found,) = search(api, "trouble")
    assert (found["id"], found["customer_id"]) == (ticket, None)
    ana = api.register(name="Ana")
    give(api, f"ticket/{ticket}/identify_customer", customer_id=ana)
    api.fold()
    assert [row["customer_id"] for row in search(api, "trouble")] == [ana]
    erase(api, databases, ana)
    api.fold()
    assert search(api, "trouble") == []


def test_a_merged_customer_is_found_as_the_one_that_stands_until_it_is_unmerged(api: HttpApi) -> None:
    anne, anna = api.register(name="Anne Lima"), api.register(name="Anna Braga")
    give(api, f"customer/{anne}/merge", into_id=anna)
    api.fold()
    assert [(row["id"], row["customer_name"]) for row in search(api, "lima")] == [(anna, "Anna Braga")]
    assert ids(search(api, "lima braga")) == [anna]
    give(api, f"customer/{anne}/unmerge", from_id=anna)
    api.fold()
    assert ids(search(api, "lima")) == [anne]
    assert search(api, "lima braga") == []


def test_pages_go_on_where_the_last_one_ended(api: HttpApi) -> None:
    customers = {api.register(name=f"Lima {n}") for n in range(7)}
    api.register(name="Lema")
    api.fold()
    found: list[str] = []
    cursor: dict[str, Any] = {}
    for _ in range(4):
        answer = api.ask("/v1/search", q="lima", limit=2, **cursor).json()
        found += ids(answer["rows"])
        cursor = {"cursor": answer["next"]}
    assert len(found) == len(set(found)) == 8
    assert set(found[:7]) == customers
    assert answer["next"] is None
    first = api.ask("/v1/search", q="lima", limit=2).json()["next"]
    assert api.ask("/v1/search", q="other", cursor=first).json()["code"] == "cursor"
    assert api.ask("/v1/search", role=Role.SALES, q="lima", cursor=first).status_code == 422


def test_who_was_shown_is_noted_and_what_cannot_be_asked_is_said(api: HttpApi, databases: Databases) -> None:
    ana = api.register(name="Ana Lima")
    api.register(name="Rui")
    api.fold()
    search(api, "lima")
    with closing(PostgresAccessLog(databases.app)) as log:
        assert [one.route for one in log.of_persons([UUID(ana)])] == ["/v1/search"]
    for words in ("", "  ", "!?", "x" * 201, " ".join("abcdefghi"), None):
        query: dict[str, Any] = {} if words is None else {"q": words}
        answer = api.ask("/v1/search", **query)
        assert (answer.status_code, answer.json()["details"]["parameter"]) == (422, "q"), words
    assert api.ask("/v1/search", q="lima", kind="order").status_code == 422
    assert api.ask("/v1/search", q="lima", limit=0).status_code == 422
    assert api.ask("/v1/search", role=None, q="lima").status_code == 401


def test_a_search_waits_for_what_a_write_wrote(api: HttpApi) -> None:
    api.fold()
    wrote = api.give("customer/new/register", {"name": "Ana Lima"})
    token = {"Relato-Token": wrote.headers["relato-token"]}
    assert api.ask("/v1/search", q="lima", headers=token).status_code == 503
    api.fold()
    assert len(api.ask("/v1/search", q="lima", headers=token).json()["rows"]) == 1
