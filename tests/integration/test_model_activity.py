"""What customers do beside ordering: it follows them, and late records end in the right state."""

from datetime import UTC, datetime
from decimal import Decimal

from tests.support.draw import linked_to
from tests.support.model_world import ModelWorld

ACTIVITY = (
    "fct_carts",
    "fct_subscriptions",
    "fct_service_cases",
    "fct_survey_answers",
    "fct_refunds",
    "fct_interactions",
    "fct_campaign_touches",
    "fct_manual_operations",
)


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2025, 1, number, hour, tzinfo=UTC)


def cart(**changes) -> dict:
    base = {"id": "c1", "customer_id": "71", "currency_code": "EUR", "total_price": "30.00"}
    return base | {"created_at": day(1), "at": day(1)} | changes


def ticket(**changes) -> dict:
    return {"id": "t1", "createdate": day(1), "at": day(1)} | linked_to("h1") | changes


def opened(number: int, at: datetime, profile: str = "k1") -> dict:
    said = {"metric_name": "Opened Email", "datetime": at, "event_properties": {"$message": "m1"}}
    return {"id": f"e{number}", "profile_id": profile} | said


def land_activity(world: ModelWorld) -> None:
    """Every kind of activity, of a contact, a customer and a profile that nothing links yet."""
    by_hand = {"value": "Ann", "timestamp": "2025-01-01T00:00:00Z", "sourceType": "CRM_UI"}
    contact = {"id": "h1", "firstname": "Ann", "properties_with_history": {"firstname": [by_hand]}}
    world.land("hubspot", "contacts", contact | {"phone": "0640112233"})
    world.land("shopify", "customers", {"id": "71", "email": "ann@example.com"})
    world.land("klaviyo", "profiles", {"id": "k1", "phone_number": "+33640112244"})
    world.land("shopify", "abandoned_checkouts", cart())
    contract = {"id": "b1", "customer_id": "71", "status": "ACTIVE", "currency_code": "EUR"}
    world.land("shopify", "subscription_contracts", contract | {"recurring_amount": "9.90"})
    refund = {"id": "r1", "createdAt": "2025-01-04T00:00:00Z", "amount": "10.00"}
    order = {"id": "o1", "customer_id": "71", "currency_code": "EUR", "total_price": "50.00"}
    world.land("shopify", "orders", order | {"refunds": [refund], "processed_at": day(1)})
    world.land("hubspot", "tickets", ticket())
    answer = linked_to("h1") | {"hs_survey_type": "NPS", "hs_value": 9}
    world.land("hubspot", "feedback_submissions", {"id": "f1"} | answer)
    world.land("klaviyo", "campaigns", {"id": "m1", "name": "Spring", "channel": "email"})
    world.land("klaviyo", "events", opened(1, day(2)))


def owners(world: ModelWorld) -> dict[str, set[str]]:
    """The customers of each table's rows."""
    return {
        table: {row["customer_id"] for row in world.rows(f"select customer_id from core.{table}")}
        for table in ACTIVITY
    }


def test_a_merge_and_a_split_take_all_activity_along(either: ModelWorld) -> None:
    land_activity(either)
    either.refresh()
    either.release()
    apart = either.customer_of()
    assert len(set(apart.values())) == 3
    before = owners(either)
    assert before["fct_carts"] == {apart["shopify", "71"]}
    assert before["fct_service_cases"] == {apart["hubspot", "h1"]}
    assert before["fct_campaign_touches"] == {apart["klaviyo", "k1"]}
    # A contact with the customer's address and a profile with the contact's phone join all three.
    bridge = {"firstname": "Ann", "phone": "0640112233", "mobilephone": "0640112244"}
    either.land("hubspot", "contacts", {"id": "h2", "email": "ann@example.com"} | bridge)
    either.refresh()
    either.release()
    (one,) = set(either.customer_of().values())
    assert owners(either) == {table: {one} for table in ACTIVITY}
    merged = either.core()
    either.land("hubspot", "contacts", {"id": "h2", "firstname": "Ann"})
    either.refresh()
    assert owners(either) == before
    assert either.core() != merged
    incremental = either.core()
    either.refresh(full=True, tests=False)
    assert either.core() == incremental


def test_older_versions_change_nothing_and_newer_ones_everything(duck: ModelWorld) -> None:
    land_activity(duck)
    duck.land("shopify", "abandoned_checkouts", cart(completed_at=day(2), at=day(3)))
    duck.land("hubspot", "tickets", ticket(closed_date=day(1, 12), at=day(2)))
    duck.refresh()
    duck.release()
    duck.land("shopify", "abandoned_checkouts", cart(total_price="99.00", at=day(2)))
    duck.land("hubspot", "tickets", ticket(at=day(1, 1)))
    # An earlier opening is known later than a later one.
    duck.land("klaviyo", "events", opened(2, day(1)))
    duck.refresh()
    (left,) = duck.rows("select status, is_recovered, total_amount from core.fct_carts")
    assert tuple(left.values()) == ("completed", True, Decimal("30.00"))
    (case,) = duck.rows("select is_open, hours_to_close from core.fct_service_cases")
    assert tuple(case.values()) == (False, Decimal("12.00"))
    (touch,) = duck.rows("select opened_at, open_count from core.fct_campaign_touches")
    assert (touch["opened_at"].astimezone(UTC), touch["open_count"]) == (day(1), 2)


def test_deleted_records_stay_as_deleted_and_leave_the_interactions(duck: ModelWorld) -> None:
    land_activity(duck)
    duck.refresh()
    duck.release()
    service = "select interaction_id from core.fct_interactions where kind = 'service'"
    assert len(duck.rows(service)) == 1
    duck.land("hubspot", "tickets", {"id": "t1", "deleted": True})
    duck.land("shopify", "abandoned_checkouts", {"id": "c1", "deleted": True})
    duck.land("klaviyo", "events", {"id": "e1", "deleted": True})
    duck.refresh()
    assert duck.rows(service) == []
    assert duck.rows("select * from core.fct_campaign_touches") == []
    (case,) = duck.rows("select is_open, is_deleted from core.fct_service_cases")
    assert (case["is_open"], case["is_deleted"]) == (False, True)
    assert duck.rows("select is_deleted from core.fct_carts") == [{"is_deleted": True}]


def test_a_customer_names_the_account_of_the_contact_that_writes_go_to(duck: ModelWorld) -> None:
    contact = {"id": "h1", "email": "ann@example.com", "associatedcompanyid": "7"}
    duck.land("hubspot", "contacts", contact)
    duck.refresh()
    duck.release()
    query = (
        "select c.account_id, a.account_name from core.dim_customers c"
        " left join core.dim_accounts a on a.account_id = c.account_id"
    )
    assert duck.rows(query) == [{"account_id": "hubspot:7", "account_name": None}]
    duck.land("hubspot", "companies", {"id": "7", "name": "Seven Ltd"})
    duck.refresh()
    assert duck.rows(query) == [{"account_id": "hubspot:7", "account_name": "Seven Ltd"}]
