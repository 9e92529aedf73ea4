"""Whole imports from files into a ledger in memory: repeats, newer exports, what was erased or merged."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.customer.commands import AmendCustomer, ErasePerson, MergeCustomer, RegisterCustomer
from domain.event import Origin
from tests.integration.shop import COINS, FIRST, SHOP, Shop


def test_rows_become_facts_at_their_own_times_and_are_marked_as_imported(shop: Shop) -> None:
    report = shop.bring(*FIRST)
    assert (report.rows, report.total("done"), report.total("facts"), report.rejected) == (5, 5, 5, 0)
    assert shop.types() == {"crm.customer.registered.v1": 2, "crm.order.placed.v1": 3}
    assert sorted(shop.order_totals().values()) == [10, 150, 370]
    [placed] = shop.ledger.load([shop.id_of("order", "1")])
    assert placed.occurred_at == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert (placed.origin, placed.actor, placed.subject_id) == (Origin.IMPORT, "importer", shop.id_of("customer", "c1"))
    assert len(placed.fact.lines) == 3  # type: ignore[attr-defined]  # an order has lines


def test_a_finished_file_says_so_and_does_nothing(shop: Shop) -> None:
    shop.bring(*FIRST)
    assert shop.bring(*FIRST).nothing_to_do
    assert shop.ledger.last_position() == 5


def test_importing_twice_changes_nothing(shop: Shop) -> None:
    shop.bring(*FIRST)
    report = shop.bring(*FIRST, again=True)
    assert (report.total("unchanged"), report.total("facts"), shop.ledger.last_position()) == (5, 0, 5)


def test_the_rows_may_come_in_another_order(shop: Shop) -> None:
    shop.bring(*FIRST)
    report = shop.bring(FIRST[2], FIRST[0], FIRST[1], FIRST[4], FIRST[3])
    assert (report.total("unchanged"), shop.ledger.last_position()) == (5, 5)


def test_a_newer_export_amends_what_changed(shop: Shop) -> None:
    shop.bring(*FIRST)
    report = shop.bring(*(row.replace("Bela", "Béla") for row in FIRST), "4,c2,Béla,2026-01-08,fig,1,0.10")
    assert (report.total("amended"), report.total("done"), report.total("unchanged")) == (1, 1, 4)
    assert shop.name_of("c2") == "Béla"


def test_a_line_that_changed_amends_its_order(shop: Shop) -> None:
    shop.bring(*FIRST)
    report = shop.bring(*(row.replace("pear,1,0.40", "pear,2,0.40") for row in FIRST))
    assert report.files[0].rules["order"].amended == 1
    assert sorted(shop.order_totals().values()) == [10, 150, 410]


def test_a_value_that_goes_forth_and_back_is_followed(shop: Shop) -> None:
    for name in ("Ada", "Ana", "Ada", "Ana"):
        shop.bring(*(row.replace("Ada", name) for row in FIRST), again=True)
        assert shop.name_of("c1") == name
    assert shop.types()["crm.customer.amended.v1"] == 3
    report = shop.bring(*(row.replace("Ada", "Ana") for row in FIRST), again=True)
    assert report.total("unchanged") == 5


def test_what_somebody_changed_by_hand_stays_while_the_export_says_the_same(shop: Shop) -> None:
    shop.bring(*FIRST)
    shop.bring(*(row.replace("Ada", "Ana") for row in FIRST))
    shop.order(AmendCustomer(customer_id=shop.id_of("customer", "c1"), name="Ada Lovelace"))
    shop.bring(*(row.replace("Ada", "Ana") for row in FIRST), "4,c2,Bela,2026-01-08,fig,1,0.10")
    assert shop.name_of("c1") == "Ada Lovelace"


def test_a_customer_who_is_there_already_is_amended(shop: Shop) -> None:
    shop.order(RegisterCustomer(customer_id=shop.id_of("customer", "c1"), name="A."))
    report = shop.bring(*FIRST)
    assert (report.files[0].rules["customer"].amended, shop.name_of("c1")) == (1, "Ada")


def test_identical_rows_are_facts_of_their_own(shop: Shop) -> None:
    coins = shop.write("coins.csv", "customer,cents\nc1,5\nc1,5\nc2,5\nc1,5\n")
    mapping = shop.write("coins.toml", COINS)
    report = shop.run(coins, mapping=mapping)
    assert (report.total("done"), shop.types()) == (4, {"crm.order.placed.v1": 4})
    assert shop.run(coins, mapping=mapping, again=True).total("unchanged") == 4


def test_a_mended_row_without_a_key_is_never_taken_for_another_one(shop: Shop) -> None:
    mapping = shop.write("coins.toml", COINS)
    shop.run(shop.write("coins.csv", "customer,cents\nc1,5\nc1,five\n"), mapping=mapping)
    mended = shop.mend(lambda text: text.replace(",five", ",5"))
    for _ in range(2):
        shop.run(mended, mapping=mapping, rejects_path=shop.folder / "again.csv", again=True)
        assert shop.types() == {"crm.order.placed.v1": 2}


def test_an_erased_person_stays_erased_and_is_counted_apart(shop: Shop) -> None:
    shop.bring(*FIRST)
    person = shop.id_of("customer", "c2")
    shop.order(ErasePerson(customer_id=person))
    shop.vault.erase([person])
    report = shop.bring(*FIRST, "4,c2,Bela,2026-01-08,fig,1,0.10", again=True)
    assert report.total("erased") == 1
    assert report.total("rejected") == 0
    assert "Bela" not in shop.rejects.read_text()
    assert [row["relato:verdict"] for row in shop.rejected()] == ["erased"]


def test_a_newer_export_does_not_bring_an_erased_person_back(shop: Shop) -> None:
    shop.bring(*FIRST)
    person = shop.id_of("customer", "c2")
    shop.order(ErasePerson(customer_id=person))
    shop.vault.erase([person])
    report = shop.bring(*(row.replace("Bela", "Béla") for row in FIRST))
    assert report.files[0].rules["customer"].erased == 1


def test_a_merged_customer_is_a_verdict_of_its_own(shop: Shop) -> None:
    shop.bring(*FIRST)
    shop.order(MergeCustomer(customer_id=shop.id_of("customer", "c2"), into_id=shop.id_of("customer", "c1")))
    report = shop.bring(*FIRST, "4,c2,Bela,2026-01-08,fig,1,0.10")
    assert (report.total("merged"), report.total("rejected")) == (1, 0)
    assert [(row["relato:verdict"], row["name"]) for row in shop.rejected()] == [("merged", "Bela")]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(shop: Shop) -> None:
    dry = shop.bring(*FIRST, dry_run=True)
    assert (dry.dry_run, dry.total("done"), dry.total("facts"), shop.ledger.last_position()) == (True, 5, 5, 0)
    assert shop.bring(*FIRST).total("done") == 5
    newer = [row.replace("Bela", "Béla") for row in FIRST]
    assert shop.bring(*newer, dry_run=True).total("amended") == 1
    assert shop.name_of("c2") == "Bela"


def test_another_mapping_of_the_same_file_is_another_import(shop: Shop) -> None:
    shop.bring(*FIRST)
    mapping = shop.write("other.toml", SHOP.replace('currency = "EUR"\n', 'currency = "EUR"\nchannel = "shop"\n', 1))
    assert not shop.bring(*FIRST, mapping=mapping).nothing_to_do
