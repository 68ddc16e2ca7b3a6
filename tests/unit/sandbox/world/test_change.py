"""The world changes, breaks and heals, and every change is visible to who asks since when."""

import copy
from datetime import UTC, datetime

import pytest

from sandbox.world import change
from sandbox.world.edits import WITH_HISTORY, history_of, value_text
from sandbox.world.generate import generate
from sandbox.world.model import World

NOW = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return generate(1_000, 5, 1.0, NOW)


def test_mutate_changes_the_share_asked_for_and_every_change_is_newer_than_before(world):
    before = len(world.tables["hubspot.contacts"])
    started = world.clock()
    made = change.mutate(world, 0.05)
    touched = set(made.ids["hubspot.contacts"])
    assert 0.04 * before < len(touched) < 0.07 * before
    assert {key for key, _ in world.changed_since("hubspot.contacts", started)} == touched
    assert made.counts["order"] > 0
    assert made.counts["new_person_record"] > 0


def test_mutate_gives_some_orders_back_and_the_refunds_still_add_up(world):
    made = change.mutate(world, 0.1)
    refunded = made.ids["shopify.orders"][-made.counts["refund"] :]
    assert made.counts["refund"] > 0
    for key in refunded:
        order = world.tables["shopify.orders"][key]
        given = sum(round(float(refund["amount"]) * 100) for refund in order["refunds"])
        assert 0 < given == round(float(order["total_refunded"]) * 100)
        assert given < round(float(order["total_price"]) * 100)
        assert order["financial_status"] == "PARTIALLY_REFUNDED"


def test_mutate_leaves_carts_completes_those_of_who_orders_and_moves_subscriptions(world):
    started = world.clock()
    made = change.mutate(world, 0.2)
    carts = world.tables["shopify.abandoned_checkouts"]
    touched = [carts[key] for key in made.ids["shopify.abandoned_checkouts"]]
    completed = [cart for cart in touched if cart["completed_at"]]
    assert made.counts["cart_completed"] == len(completed) > 0
    assert made.counts["cart_left"] == len(touched) - len(completed) > 0
    assert all(cart["updated_at"] >= started for cart in touched)
    times = {
        (order["customer_id"], order["created_at"])
        for order in world.tables["shopify.orders"].values()
    }
    assert all((cart["customer_id"], cart["completed_at"]) in times for cart in completed)
    contracts = world.tables["shopify.subscription_contracts"]
    moved = [contracts[key] for key in made.ids["shopify.subscription_contracts"]]
    assert made.counts["subscription"] == len(moved) > 0
    for contract in moved:
        assert contract["updated_at"] >= started
        assert (contract["next_billing_at"] is not None) is (contract["status"] == "ACTIVE")


def test_mutate_sends_the_scheduled_campaign_and_then_new_ones(world):
    table = world.tables["klaviyo.campaigns"]
    (scheduled,) = [key for key, row in table.items() if row["status"] == "Scheduled"]
    started = world.clock()
    first, second = change.mutate(world, 0.05), change.mutate(world, 0.05)
    assert first.ids["klaviyo.campaigns"] == [scheduled]
    (new,) = second.ids["klaviyo.campaigns"]
    assert new != scheduled
    for key in (scheduled, new):
        assert table[key]["status"] == "Sent"
        assert table[key]["send_time"] >= started
    told = [world.tables["klaviyo.events"][key] for key in second.ids["klaviyo.events"]]
    assert any(event["event_properties"].get("$message") == new for event in told)


def test_every_change_of_a_contact_leaves_its_history(world):
    def agree() -> bool:
        return all(
            (history_of(key, row, name) or [(None,)])[0][0] == value_text(row[name])
            or (row[name] is None and history_of(key, row, name)[0][0] == "")
            for key, row in world.tables["hubspot.contacts"].items()
            for name in WITH_HISTORY
        )

    started = world.clock()
    made = change.mutate(world, 0.3)
    assert agree()
    contacts = [world.tables["hubspot.contacts"][key] for key in made.ids["hubspot.contacts"]]
    new = [
        entry
        for contact in contacts
        for entries in contact["properties_with_history"].values()
        for entry in entries
        if entry[1] >= started
    ]
    assert {source for _, _, source, _ in new} >= {"CRM_UI", "INTEGRATION", "FORM", "EMAIL"}
    assert all((user is not None) is (source == "CRM_UI") for _, _, source, user in new)
    change.corrupt(world)
    assert agree()
    change.heal(world)
    assert agree()


def test_mutate_opens_and_closes_tickets_and_lets_people_answer_surveys(world):
    started = world.clock()
    made = change.mutate(world, 0.2)
    tickets = world.tables["hubspot.tickets"]
    touched = [tickets[key] for key in made.ids["hubspot.tickets"]]
    assert made.counts["ticket_opened"] > 0
    assert made.counts["ticket_closed"] > 0
    assert all(row["updated_at"] >= started for row in touched)
    assert any(row["created_at"] < started and row["closed_date"] for row in touched)
    answers = world.tables["hubspot.feedback_submissions"]
    given = [answers[key] for key in made.ids["hubspot.feedback_submissions"]]
    assert made.counts["survey"] == len(given)
    assert {row["hs_survey_type"] for row in given} == {"NPS", "CSAT"}


def test_mutate_deletes_in_hubspot_and_shopify_sooner_or_later(world):
    for _ in range(4):
        change.mutate(world, 0.1)
    for table in ("hubspot.contacts", "shopify.customers"):
        assert any(row["archived_at"] for row in world.tables[table].values())
    assert not any(row["archived_at"] for row in world.tables["klaviyo.profiles"].values())


def test_new_people_are_in_the_truth(world):
    before = {person for _, _, person in world.truth()}
    change.mutate(world, 0.1)
    assert len({person for _, _, person in world.truth()} - before) == 10


def test_corrupt_breaks_the_meaning_and_heal_restores_every_value(world):
    def values() -> dict[str, dict[str, tuple]]:
        names = ("total_price", "currency_code", "email", "amount", "createdate")
        return {
            table: {key: tuple(row.get(name) for name in names) for key, row in rows.items()}
            for table, rows in world.tables.items()
        }

    before = copy.deepcopy(values())
    made = change.corrupt(world)
    orders = world.tables["shopify.orders"].values()
    broken = [row for row in orders if row["currency_code"] == "XXX"]
    assert len(broken) == pytest.approx(0.4 * len(orders), rel=0.02)
    assert all(float(row["total_price"]) < 0 for row in broken)
    wrong = [world.tables["hubspot.contacts"][key]["email"] for key in made.ids["hubspot.contacts"]]
    assert not any("@" in (email or "") for email in wrong)
    change.malform(world, 9)
    corrupted_at = world.clock()
    healed = change.heal(world)
    assert values() == before
    assert healed.counts["healed"] >= len(broken)
    assert all(row["updated_at"] >= corrupted_at for row in broken)


def test_a_share_of_the_orders_that_were_placed_last_can_be_corrupted(world):
    change.mutate(world, 0.1)
    made = change.corrupt(world, 0.01, newest=True).as_dict()["ids"]["shopify.orders"]
    placed = {key: order["created_at"] for key, order in world.live("shopify.orders")}
    assert len(made) == round(0.01 * len(placed)) > 0
    assert min(placed[key] for key in made) >= max(
        moment for key, moment in placed.items() if key not in made
    )


def test_corrupting_twice_still_heals_to_the_first_values(world):
    before = [row["total_price"] for row in world.tables["shopify.orders"].values()]
    change.corrupt(world)
    change.corrupt(world)
    change.heal(world)
    assert [row["total_price"] for row in world.tables["shopify.orders"].values()] == before


def test_malform_breaks_types_in_as_many_records_as_asked(world):
    made = change.malform(world, 7)
    assert made.counts == {"malformed": 7}
    deals = [world.tables["hubspot.deals"][key]["amount"] for key in made.ids["hubspot.deals"]]
    assert set(deals) == {"12,50 EUR"}
    answers = world.tables["hubspot.feedback_submissions"]
    assert [answers[key]["hs_value"] for key in made.ids["hubspot.feedback_submissions"]] == ["ten"]


def test_an_unknown_field_appears_in_half_of_the_contacts_and_profiles(world):
    made = change.add_unknown_field(world)
    contacts = world.tables["hubspot.contacts"]
    assert len(made.ids["hubspot.contacts"]) == pytest.approx(len(contacts) / 2, abs=1)
    assert contacts[made.ids["hubspot.contacts"][0]]["loyalty_tier"] in {"bronze", "silver", "gold"}


def test_the_same_changes_of_the_same_world_touch_the_same_records(world):
    twin = generate(1_000, 5, 1.0, NOW)
    assert change.mutate(world, 0.05).as_dict() == change.mutate(twin, 0.05).as_dict()
