"""The model built from raw tables, on both engines: order of time, deletions, scope, consent."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration_assets.transform import project
from orchestration_assets.transform.runner import run_unit_tests
from orchestration_assets.warehouse.scope import forget
from tests.support.model_records import NOW, ann, land_everything, order, shopper
from tests.support.model_world import CORE_TABLES, ModelWorld


def test_the_whole_path_from_raw_records_to_journeys(unbuilt: ModelWorld) -> None:
    land_everything(unbuilt)
    unbuilt.refresh()
    unbuilt.release()
    unbuilt.build(project.ACT)
    customer = unbuilt.rows("select * from core.dim_customers where shopify_customer_id = '71'")[0]
    assert customer["email"] == "ann@example.com"
    assert customer["phone_e164"] == "+33640112233"
    assert customer["country_code"] == "FR"
    assert (customer["source_record_count"], customer["system_count"]) == (3, 3)
    assert (customer["order_count"], str(customer["lifetime_value"])) == (2, "42.50")
    winback = unbuilt.rows("select * from journeys.jrn_lapsed_winback_email")
    assert [row["email"] for row in winback] == ["ann@example.com"]
    value = unbuilt.rows("select * from journeys.jrn_customer_value_crm")
    assert [(row["hubspot_email"], row["segment"]) for row in value] == [
        ("ann@example.com", "lapsed")
    ]
    products = unbuilt.rows("select * from core.dim_products")
    assert [(str(p["min_price"]), str(p["max_price"])) for p in products] == [("10.50", "12.00")]


def test_a_record_that_comes_late_does_not_overwrite_a_newer_one(duck: ModelWorld) -> None:
    duck.land("hubspot", "contacts", ann(firstname="Anna", at=NOW))
    duck.refresh(tests=False)
    duck.release()
    duck.land("hubspot", "contacts", ann(firstname="Old", at=NOW - timedelta(days=1)))
    duck.refresh(tests=False)
    assert duck.rows("select first_name from core.dim_customers") == [{"first_name": "Anna"}]


def test_deletions_and_vanished_lines_reach_the_core(duck: ModelWorld) -> None:
    land_everything(duck)
    duck.refresh(tests=False)
    duck.release()
    duck.land("shopify", "orders", {"id": "1", "deleted": True}, order("2", 200, line_items=[]))
    duck.land("hubspot", "contacts", {"id": "h1", "deleted": True})
    duck.refresh()
    orders = duck.rows("select order_id, is_deleted, net_amount from core.fct_orders order by 1")
    assert [(o["order_id"], o["is_deleted"], str(o["net_amount"])) for o in orders] == [
        ("shopify:1", True, "0.00"),
        ("shopify:2", False, "30.00"),
    ]
    assert duck.rows("select order_line_id from core.fct_order_lines") == [
        {"order_line_id": "shopify:l1"}
    ]
    query = "select * from core.dim_customers where shopify_customer_id = '71'"
    (customer,) = duck.rows(query)
    assert customer["hubspot_contact_id"] is None
    assert not customer["is_deleted"]
    assert customer["order_count"] == 1
    consents = duck.rows("select purpose from core.fct_consents")
    assert consents == [{"purpose": "marketing"}]


def test_an_order_follows_its_customer_who_comes_late_and_leaves_again(duck: ModelWorld) -> None:
    owners = "select order_id, customer_id is not null as is_owned from core.fct_orders"
    duck.land("shopify", "orders", order("1", 10))
    duck.refresh()
    assert duck.rows(owners) == [{"order_id": "shopify:1", "is_owned": False}]
    duck.release()
    duck.land("shopify", "customers", shopper())
    duck.refresh()
    assert duck.rows(owners) == [{"order_id": "shopify:1", "is_owned": True}]
    assert duck.rows("select order_count from core.dim_customers") == [{"order_count": 1}]
    duck.release()
    with duck.warehouse.writer("erase") as session:
        session.execute("delete from raw_shopify.customers")
        session.execute("insert into scope.records values ('shopify', 'customers', '71')")
    duck.refresh()
    assert duck.rows(owners) == [{"order_id": "shopify:1", "is_owned": False}]
    assert duck.rows("select * from core.dim_customers") == []


def test_a_build_with_an_empty_scope_changes_nothing(duck: ModelWorld) -> None:
    land_everything(duck)
    duck.refresh()
    duck.release()
    before = duck.core()
    version = duck.rows("select version from scope.model_version")
    scope, identity = duck.refresh()
    assert scope.is_empty
    assert identity.resolved == 0
    assert duck.core() == before
    assert duck.rows("select version from scope.model_version") == version


def test_incremental_builds_end_where_a_full_build_ends(either: ModelWorld, tmp_path: Path) -> None:
    land_everything(either)
    either.refresh(tests=False)
    either.release()
    # The order moves to the other customer, a profile joins two records, a phone is shared.
    either.land("shopify", "orders", order("2", 10, "99.00", customer_id="72"))
    either.land("klaviyo", "profiles", {"id": "k2", "email": "bob@x.org", "first_name": "Ann"})
    either.refresh(tests=False)
    either.land("shopify", "customers", shopper(id="72", email="bobby@x.org", first_name="Bob"))
    either.refresh(tests=False)
    either.release()
    incremental = either.core()
    forget(either.warehouse)
    either.refresh(full=True, tests=False)
    full = either.core()
    for table in CORE_TABLES:
        assert incremental[table] == full[table], table


def test_withdrawn_beats_granted_and_blocks_the_journey(either: ModelWorld) -> None:
    land_everything(either)
    history = [
        {"value": "true", "timestamp": "2025-02-01T00:00:00Z"},
        {"value": "false", "timestamp": "2025-01-01T00:00:00Z"},
    ]
    either.land(
        "hubspot",
        "contacts",
        ann(hs_email_optout=True, properties_with_history={"hs_email_optout": history}),
    )
    either.refresh(tests=False)
    either.release()
    either.build(project.ACT, tests=False)
    consents = either.rows("select * from core.fct_consents where channel = 'email'")
    assert [(c["status"], c["deciding_system"], c["source_count"]) for c in consents] == [
        ("withdrawn", "hubspot", 2)
    ]
    assert consents[0]["decided_at"] == datetime(2025, 2, 1, tzinfo=UTC)
    assert either.rows("select * from journeys.jrn_lapsed_winback_email") == []


def test_a_suppressed_address_counts_as_withdrawn(duck: ModelWorld) -> None:
    said = {"email_consent": "SUBSCRIBED", "email_consent_at": NOW, "sms_consent": "SUBSCRIBED"}
    suppressed = [{"reason": "HARD_BOUNCE", "timestamp": "2025-03-01T00:00:00Z"}]
    profile = {"id": "k1", "email": "ann@example.com", "email_suppressed": suppressed}
    duck.land("klaviyo", "profiles", profile | said)
    duck.refresh(tests=False)
    consents = duck.rows("select channel, status from core.fct_consents order by channel")
    assert [(c["channel"], c["status"]) for c in consents] == [
        ("email", "withdrawn"),
        ("sms", "granted"),
    ]


def test_an_opt_out_that_was_taken_back_is_a_grant(duck: ModelWorld) -> None:
    history = [
        {"value": "false", "timestamp": "2025-03-01T00:00:00Z"},
        {"value": "true", "timestamp": "2025-02-01T00:00:00Z"},
    ]
    never = ann(id="h2", email="bob@example.com", firstname="Bob", hs_email_optout=False)
    back = ann(hs_email_optout=False, properties_with_history={"hs_email_optout": history})
    duck.land("hubspot", "contacts", back, never)
    duck.refresh(tests=False)
    consents = duck.rows("select status, decided_at from core.fct_consents")
    assert consents == [{"status": "granted", "decided_at": datetime(2025, 3, 1, tzinfo=UTC)}]


def test_the_unit_tests_of_dbt_pass(either: ModelWorld) -> None:
    land_everything(either)
    either.refresh(tests=False)
    select = (*project.PREPARE, *project.CORE)
    result = run_unit_tests(select, warehouse=either.warehouse, home=either.home)
    assert result.is_ok, "\n".join(str(node.message) for node in result.failed)
    assert len(result.nodes) >= 18
