"""Worlds are the same for the same seed, complete, and in the past."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from sandbox.world.contracts import STATUSES
from sandbox.world.edits import CRM_USERS, WITH_HISTORY, history_of, value_text
from sandbox.world.generate import generate, write_truth
from sandbox.world.model import PEOPLE_TABLES, World
from sandbox.world.service import CSAT, MALFORMED_SCORE, NPS, SURVEYS

NOW = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(3_000, 7, 1.0, NOW)


def test_the_same_seed_makes_the_same_world(world):
    assert generate(3_000, 7, 1.0, NOW).tables == world.tables


def test_another_seed_makes_another_world(world):
    assert generate(3_000, 8, 1.0, NOW).tables != world.tables


def test_a_later_world_differs_in_its_times_only(world):
    later = generate(3_000, 7, 1.0, NOW + timedelta(days=40))
    for table in PEOPLE_TABLES:
        names = ("email", "firstname", "first_name", "lastname", "last_name", "person_id")
        mine, theirs = world.tables[table], later.tables[table]
        assert mine.keys() == theirs.keys()
        assert all(mine[key].get(name) == theirs[key].get(name) for key in mine for name in names)
    assert len(later.tables["shopify.orders"]) == len(world.tables["shopify.orders"])


def test_nothing_happens_in_the_future_and_nothing_changes_before_it_was_made(world):
    for table, rows in world.tables.items():
        for key, document in rows.items():
            assert document["created_at"] <= document["updated_at"] <= NOW, (table, key)


@pytest.mark.parametrize(
    "table",
    [
        *PEOPLE_TABLES,
        "shopify.orders",
        "shopify.abandoned_checkouts",
        "shopify.subscription_contracts",
        "klaviyo.events",
        "hubspot.tickets",
        "hubspot.feedback_submissions",
    ],
)
def test_what_changed_last_did_not_all_change_at_once(world, table):
    moments = Counter(row["updated_at"] for row in world.tables[table].values())
    newest = sorted(moments, reverse=True)[:20]
    assert sum(moments[moment] for moment in newest) <= 22
    assert max(moments.values()) <= 4


def test_people_are_in_one_two_or_three_systems(world):
    systems: dict[str, set[str]] = {}
    for system, _, person in world.truth():
        systems.setdefault(person, set()).add(system)
    assert len(systems) == 3_000
    assert set(Counter(len(entry) for entry in systems.values())) == {1, 2, 3}


def test_orders_peak_before_christmas_and_dip_in_summer():
    orders = generate(6_000, 3, 1.0, NOW).tables["shopify.orders"].values()
    months = Counter(
        order["created_at"].month for order in orders if order["created_at"].year == 2025
    )
    assert months[12] > 1.5 * months[8]
    assert months[11] > 1.4 * months[7]


def test_amounts_of_an_order_add_up(world):
    for order in world.tables["shopify.orders"].values():
        lines = sum(round(float(item["discountedTotal"]) * 100) for item in order["line_items"])
        total, shipping = (
            round(float(order[name]) * 100) for name in ("total_price", "total_shipping")
        )
        assert total == lines + shipping
        assert order["currency_code"] == "EUR"


def test_refunds_add_up_to_what_the_order_gave_back(world):
    counts = Counter()
    for order in world.tables["shopify.orders"].values():
        given = sum(round(float(refund["amount"]) * 100) for refund in order["refunds"])
        assert given == round(float(order["total_refunded"]) * 100)
        times = [refund["created_at"] for refund in order["refunds"]]
        assert times == sorted(times)
        assert all(order["created_at"] <= moment <= order["updated_at"] for moment in times)
        counts[len(times)] += 1
    assert counts.keys() == {0, 1, 2, 3}
    assert 0.05 < 1 - counts[0] / counts.total() < 0.11


def test_a_quarter_as_many_carts_as_customers_were_left_and_some_completed(world):
    carts = world.tables["shopify.abandoned_checkouts"].values()
    customers = world.tables["shopify.customers"]
    assert len(carts) == round(len(customers) / 4)
    completed = [cart for cart in carts if cart["completed_at"] is not None]
    assert len(completed) == pytest.approx(0.3 * len(carts), rel=0.02)
    ordered = {
        (order["customer_id"], order["created_at"], order["total_price"])
        for order in world.tables["shopify.orders"].values()
    }
    for cart in completed:
        assert (cart["customer_id"], cart["completed_at"], cart["total_price"]) in ordered
    for cart in carts:
        assert cart["created_at"] >= customers[cart["customer_id"]]["created_at"]
        assert cart["created_at"] >= NOW - timedelta(days=600)
        assert cart["line_items"]


def test_one_customer_in_twenty_has_a_subscription_contract(world):
    contracts = world.tables["shopify.subscription_contracts"].values()
    customers = {contract["customer_id"] for contract in contracts}
    assert len(customers) == len(contracts)
    assert len(contracts) == round(len(world.tables["shopify.customers"]) * 0.05)
    assert {row["status"] for row in contracts} == set(STATUSES)
    for contract in contracts:
        assert (contract["next_billing_at"] is not None) is (contract["status"] == "ACTIVE")
        if contract["next_billing_at"]:
            assert contract["updated_at"] <= NOW < contract["next_billing_at"]
        assert contract["lines"]


def test_a_shopify_customer_counts_its_own_orders(world):
    counted = Counter(order["customer_id"] for order in world.tables["shopify.orders"].values())
    for key, customer in world.tables["shopify.customers"].items():
        assert customer["number_of_orders"] == counted[key]


def test_phones_are_real_numbers_in_several_notations(world):
    phones = [row["phone"] for row in world.tables["hubspot.contacts"].values() if row["phone"]]
    assert any(phone.startswith("0") for phone in phones)
    assert any(phone.startswith("+") for phone in phones)
    for row in world.tables["shopify.customers"].values():
        if row["phone"]:
            assert phonenumbers.is_valid_number(phonenumbers.parse(row["phone"]))


def test_some_records_break_the_type_contract_and_none_in_a_clean_world(world):
    def broken(entry: World) -> tuple[int, int]:
        rows = [
            *entry.tables["hubspot.contacts"].values(),
            *entry.tables["hubspot.tickets"].values(),
        ]
        answers = entry.tables["hubspot.feedback_submissions"].values()
        return sum(isinstance(row["createdate"], str) for row in rows), sum(
            row["hs_value"] == MALFORMED_SCORE for row in answers
        )

    assert all(count > 0 for count in broken(world))
    assert broken(generate(3_000, 7, 0.0, NOW)) == (0, 0)


def test_profiles_have_about_five_events(world):
    events, profiles = world.tables["klaviyo.events"], world.tables["klaviyo.profiles"]
    assert 4 < len(events) / len(profiles) < 7
    assert {event["metric_name"] for event in events.values()} >= {"Received Email", "Placed Order"}


def test_messages_follow_the_campaign_that_was_sent_to_who_was_there(world):
    campaigns = world.tables["klaviyo.campaigns"]
    profiles = world.tables["klaviyo.profiles"]
    assert Counter(row["status"] for row in campaigns.values())["Sent"] == 24
    assert {row["channel"] for row in campaigns.values()} == {"email", "sms"}
    caused = set()
    for event in world.tables["klaviyo.events"].values():
        properties = event["event_properties"]
        campaign = campaigns.get(properties.get("$message"))
        assert (campaign is None) is ("$flow" in properties or "OrderId" in properties)
        if campaign is not None:
            caused.add(campaign["name"])
            channel = "sms" if "SMS" in event["metric_name"] else "email"
            assert (channel, properties["Campaign Name"]) == (campaign["channel"], campaign["name"])
            assert event["datetime"] >= campaign["send_time"]
            assert profiles[event["profile_id"]]["created_at"] <= campaign["send_time"]
    assert len(caused) == 24


def test_one_contact_in_eight_has_a_ticket_and_most_tickets_are_closed(world):
    contacts, tickets = world.tables["hubspot.contacts"], world.tables["hubspot.tickets"]
    troubled = {row["associations"][0] for row in tickets.values()}
    assert len(troubled) == round(0.12 * len(contacts))
    assert 1.2 < len(tickets) / len(troubled) < 1.4
    closed = [row for row in tickets.values() if row["hs_pipeline_stage"] == "4"]
    assert 0.85 < len(closed) / len(tickets) < 0.98
    for row in tickets.values():
        assert (row["closed_date"] is not None) is (row["hs_pipeline_stage"] == "4")
        assert row["created_at"] >= max(
            contacts[row["associations"][0]]["created_at"], NOW - timedelta(days=549)
        )


def test_one_contact_in_twelve_told_whether_it_recommends_and_tickets_were_rated(world):
    contacts, tickets = world.tables["hubspot.contacts"], world.tables["hubspot.tickets"]
    answers = world.tables["hubspot.feedback_submissions"].values()
    scores = {kind: [row for row in answers if row["hs_survey_type"] == kind] for kind in SURVEYS}
    assert len(scores[NPS]) == round(0.08 * len(contacts))
    closed = [row for row in tickets.values() if row["closed_date"] is not None]
    assert 0.2 < len(scores[CSAT]) / len(closed) < 0.26
    values = [row["hs_value"] for row in scores[NPS] if row["hs_value"] != MALFORMED_SCORE]
    assert 0.35 < sum(value >= 9 for value in values) / len(values) < 0.55
    assert 0.15 < sum(value <= 6 for value in values) / len(values) < 0.35
    assert {0, 10} <= set(values) <= set(range(11))
    troubled = {row["associations"][0] for row in tickets.values()}
    of_troubled, of_others = (
        [
            row["hs_value"]
            for row in scores[NPS]
            if (row["associations"][0] in troubled) is wanted and row["hs_value"] != MALFORMED_SCORE
        ]
        for wanted in (True, False)
    )
    assert sum(of_troubled) / len(of_troubled) < sum(of_others) / len(of_others)
    assert all(
        row["hs_submission_timestamp"] >= contacts[row["associations"][0]]["created_at"]
        for row in answers
    )


def test_histories_end_with_the_current_value_and_run_backwards(world):
    for key, contact in world.tables["hubspot.contacts"].items():
        for name in WITH_HISTORY:
            entries = history_of(key, contact, name)
            assert ([entry[0] for entry in entries[:1]] or [None]) == [value_text(contact[name])]
            moments = [moment for _, moment, _, _ in entries]
            assert moments == sorted(moments, reverse=True)
            assert len(set(moments)) == len(moments)
            assert all(contact["created_at"] <= at <= contact["updated_at"] for at in moments)
            for _, _, source, user in entries:
                assert (user in CRM_USERS) is (source == "CRM_UI")


def test_six_in_a_hundred_contacts_were_edited_by_hand_and_a_third_of_that_was_put_right(world):
    contacts = world.tables["hubspot.contacts"]
    edits, corrections = 0, Counter()
    for contact in contacts.values():
        for name in ("email", "phone", "firstname", "lastname", "lifecyclestage"):
            entries = contact["properties_with_history"].get(name, [])
            by_hand = [entry for entry in entries if entry[2] == "CRM_UI"]
            edits += bool(by_hand)
            if len(entries) == 3:
                (right, moment, source, _), (wrong, at, _, _), (first, _, _, _) = entries
                assert right == first != wrong
                assert moment - at <= timedelta(days=25)
                corrections[source] += 1
    assert 0.05 < edits / len(contacts) <= 0.06
    assert 0.2 < corrections.total() / edits < 0.5
    assert corrections.keys() == {"CRM_UI", "INTEGRATION"}


def test_the_truth_names_every_record_of_a_person(world, tmp_path):
    path = tmp_path / "truth.csv"
    count = write_truth(world, path)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count == sum(len(world.tables[table]) for table in PEOPLE_TABLES)
    assert {row["system"] for row in rows} == {"hubspot", "shopify", "klaviyo"}
