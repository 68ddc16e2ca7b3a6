"""The model built from raw tables, on both engines: order of time, deletions, scope, consent."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration_assets.identity.refresh import refresh as identify
from orchestration_assets.transform import project
from orchestration_assets.transform.runner import run_unit_tests
from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.progress import unfinished
from orchestration_assets.warehouse.release import payload_version
from orchestration_assets.warehouse.scope import forget, open_scope, unconsumed_loads
from tests.support.model_world import CORE_TABLES, ModelWorld, open_world

NOW = datetime.now(UTC)
LINE = {"id": "l1", "title": "Mug", "quantity": 2, "sku": "m", "productId": "501"}
LINE |= {"variantId": "v1", "unitPrice": "10.50", "discountedTotal": "21.00"}


def ann(**changes) -> dict:
    return {"id": "h1", "email": "ann@example.com", "firstname": "Ann", "lastname": "Lee"} | changes


def shopper(**changes) -> dict:
    base = {"id": "71", "email": "Ann@Example.com", "first_name": "Ann", "last_name": "Lee"}
    return base | {"country_code": "FR"} | changes


def order(number: str, days_ago: float, total: str = "30.00", **changes) -> dict:
    at = NOW - timedelta(days=days_ago)
    base = {"id": number, "name": f"#{number}", "customer_id": "71", "currency_code": "EUR"}
    base |= {"total_price": total, "processed_at": at, "line_items": [LINE | {"id": f"l{number}"}]}
    return base | changes


def land_everything(world: ModelWorld) -> None:
    basis = {"hs_legal_basis": "Legitimate interest – existing customer", "country": "France"}
    world.land("hubspot", "contacts", ann(phone="06 40 11 22 33", **basis))
    consent = {"email_marketing_state": "SUBSCRIBED", "email_marketing_updated_at": NOW}
    world.land("shopify", "customers", shopper(**consent), shopper(id="72", email="bob@x.org"))
    profile = {"id": "k1", "external_id": "71", "email": "ann.other@example.com"}
    world.land("klaviyo", "profiles", profile | {"first_name": "Ann", "last_name": "Lee"})
    variants = [{"id": "v1", "price": "10.50"}, {"id": "v2", "price": "12.00"}]
    world.land("shopify", "products", {"id": "501", "title": "Mug", "variants": variants})
    world.land("shopify", "orders", order("1", 300), order("2", 200, "12.50"))
    event = {"id": "e1", "profile_id": "k1", "metric_name": "Opened Email", "datetime": NOW}
    world.land("klaviyo", "events", event)


def test_the_whole_path_from_raw_records_to_journeys(either: ModelWorld) -> None:
    land_everything(either)
    either.refresh()
    either.release()
    either.build(project.ACT)
    customer = either.rows("select * from core.dim_customers where shopify_customer_id = '71'")[0]
    assert customer["email"] == "ann@example.com"
    assert customer["phone_e164"] == "+33640112233"
    assert customer["country_code"] == "FR"
    assert (customer["source_record_count"], customer["system_count"]) == (3, 3)
    assert (customer["order_count"], str(customer["lifetime_value"])) == (2, "42.50")
    winback = either.rows("select * from journeys.jrn_lapsed_winback_email")
    assert [row["email"] for row in winback] == ["ann@example.com"]
    value = either.rows("select * from journeys.jrn_customer_value_crm")
    assert [(row["hubspot_email"], row["segment"]) for row in value] == [
        ("ann@example.com", "lapsed")
    ]
    products = either.rows("select * from core.dim_products")
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


def test_both_engines_build_the_same_rows(tmp_path: Path, postgres_url: str) -> None:
    worlds = [
        open_world(f"duckdb:///{tmp_path / 'warehouse.duckdb'}", tmp_path / "duckdb"),
        open_world(postgres_url, tmp_path / "postgres"),
    ]
    for world in worlds:
        land_everything(world)
        world.refresh(tests=False)
        world.land("shopify", "orders", order("3", 1, customer_id=None), order("1", 300, "1.00"))
        world.refresh(tests=False)
    one, other = (world.core() for world in worlds)
    for table in CORE_TABLES:
        assert one[table] == other[table], table


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
    result = run_unit_tests(project.CORE, warehouse=either.warehouse, home=either.home)
    assert result.is_ok, [node.message for node in result.failed]
    assert len(result.nodes) >= 2


def test_a_build_that_fails_leaves_no_version_and_is_done_again(duck: ModelWorld) -> None:
    from orchestration_assets.transform.runner import build

    land_everything(duck)
    duck.refresh(tests=False)
    with duck.warehouse.writer("break") as session:
        session.execute("update scope.model_version set version = 'before'")
        session.execute("alter table core.dim_customers drop column last_name")
        session.execute("alter table core.dim_customers add column last_name integer")
    result = build(project.CORE, warehouse=duck.warehouse, home=duck.home)
    assert [n.unique_id for n in result.failed if n.status == "error"] == [
        "model.accord.dim_customers"
    ]
    assert duck.rows("select * from scope.model_version") == []
    assert unconsumed_loads(duck.warehouse)
    with duck.warehouse.writer("repair") as session:
        session.execute("drop table core.dim_customers")
    duck.refresh(tests=False)
    assert len(duck.rows("select * from scope.model_version")) == 1


def core_version(world: ModelWorld) -> str | None:
    return next((row["version"] for row in world.rows("select * from scope.model_version")), None)


def test_a_version_covers_every_core_model_of_the_candidate(duck: ModelWorld) -> None:
    land_everything(duck)
    duck.refresh(tests=False)
    first = core_version(duck)
    duck.build(["fct_consents"], tests=False)
    second = core_version(duck)
    assert second not in (None, first)
    with duck.warehouse.writer("killed half-way") as session:
        progress.begin(session, progress.CORE, ["dim_products", "fct_orders"])
        session.execute("delete from scope.model_version")
    duck.build(["fct_orders"], tests=False)
    assert core_version(duck) is None
    duck.build(["dim_products"], tests=False)
    assert core_version(duck) is not None
    with duck.warehouse.reader() as session:
        assert unfinished(session, core_version(duck) or "") == []


def test_a_load_that_joins_after_staging_keeps_the_older_build_from_being_released(
    duck: ModelWorld,
) -> None:
    duck.land("shopify", "orders", order("1", 10))
    open_scope(duck.warehouse)
    duck.build(project.PREPARE, tests=False)
    duck.land("shopify", "orders", order("2", 10))
    open_scope(duck.warehouse)
    identify(duck.warehouse, "FR")
    duck.build(project.CORE, tests=False)
    with duck.warehouse.reader() as session:
        assert unfinished(session, core_version(duck) or "") == ["staging is not done"]
    duck.refresh(tests=False)
    duck.release()
    assert len(duck.rows("select * from core.fct_orders")) == 2
    assert unconsumed_loads(duck.warehouse) == []


def test_loads_that_touch_no_core_table_keep_the_version(duck: ModelWorld) -> None:
    land_everything(duck)
    duck.refresh(tests=False)
    duck.release()
    version = core_version(duck)
    duck.land("hubspot", "deals", {"id": "d1", "dealname": "A deal"})
    duck.refresh(tests=False)
    assert core_version(duck) == version
    duck.release()
    assert unconsumed_loads(duck.warehouse) == []


def test_journeys_have_a_version_once_all_of_them_are_built(
    duck: ModelWorld,
) -> None:
    def version() -> str | None:
        with duck.warehouse.reader() as session:
            return payload_version(session)

    land_everything(duck)
    duck.refresh(tests=False)
    duck.release()
    duck.build(project.ACT, tests=False)
    first = version()
    assert first
    duck.build(["jrn_customer_value_crm"], tests=False)
    assert version() not in (None, first)
    with duck.warehouse.writer("killed half-way") as session:
        progress.begin(session, progress.JOURNEYS, ["jrn_customer_value_crm"])
    duck.build(["jrn_lapsed_winback_email"], tests=False)
    assert version() is None
