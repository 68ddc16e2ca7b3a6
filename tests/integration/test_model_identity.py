"""The identity step in a warehouse: stable ids, guards, merges and splits, on both engines."""

from orchestration_assets.identity.decisions import APART, make_decision
from orchestration_assets.identity.refresh import Matching, refresh
from orchestration_assets.warehouse.scope import forget
from tests.support.model_world import ModelWorld


def contact(number: int, email: str | None, first: str, last: str, **more) -> dict:
    return {"id": f"h{number}", "email": email, "firstname": first, "lastname": last} | more


def profile(number: int, email: str | None, first: str, last: str, **more) -> dict:
    return {"id": f"k{number}", "email": email, "first_name": first, "last_name": last} | more


def test_ids_stay_while_clusters_grow_and_after_a_rebuild(duck: ModelWorld) -> None:
    duck.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee", phone="0640112233"))
    duck.refresh(tests=False)
    first = duck.customer_of()["hubspot", "h1"]
    duck.release()
    duck.land("klaviyo", "profiles", profile(1, "ANN@x.org ", "Ann", "Lee"))
    duck.refresh(tests=False)
    duck.release()
    duck.land("klaviyo", "profiles", profile(2, None, "Ann", "Lee", phone_number="+33640112233"))
    _, result = duck.refresh(tests=False)
    assert set(duck.customer_of().values()) == {first}
    assert (result.records, result.customers, result.new) == (3, 1, 0)
    grown = duck.customer_of()
    forget(duck.warehouse)
    _, rebuilt = duck.refresh(full=True, tests=False)
    assert duck.customer_of() == grown
    assert rebuilt.resolved == 3


def test_a_phone_that_two_people_share_does_not_merge_them(duck: ModelWorld) -> None:
    duck.land(
        "hubspot",
        "contacts",
        contact(1, "ann@x.org", "Ann", "Lee", phone="0640112233"),
        contact(2, "bob@x.org", "Robert", "Lee", phone="+33 6 40 11 22 33"),
    )
    duck.land("klaviyo", "profiles", profile(1, None, "Ann", "Lee", phone_number="0640112233"))
    _, result = duck.refresh(tests=False)
    customers = duck.customer_of()
    assert customers["hubspot", "h1"] == customers["klaviyo", "k1"]
    assert customers["hubspot", "h1"] != customers["hubspot", "h2"]
    assert result.shared_identifiers == 1
    assert duck.rows("select kind, reason, records from identity.shared_identifiers") == [
        {"kind": "phone", "reason": "names_differ", "records": 3}
    ]


def test_a_later_record_merges_two_customers_and_a_correction_splits_them(
    either: ModelWorld,
) -> None:
    either.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee"))
    either.land("klaviyo", "profiles", profile(1, None, "Ann", "Lee", phone_number="+33640112233"))
    either.refresh(tests=False)
    either.release()
    apart = either.customer_of()
    bridge = contact(2, "ann@x.org", "Ann", "Lee", phone="0640112233")
    either.land("hubspot", "contacts", bridge)
    _, merged = either.refresh(tests=False)
    assert set(either.customer_of().values()) == {apart["hubspot", "h1"]}
    assert merged.merged == 1
    scope = {row["customer_id"] for row in either.rows("select customer_id from scope.customers")}
    assert scope == set(apart.values())
    assert len(either.rows("select * from core.dim_customers")) == 1
    assert [row["record_id"] for row in either.rows("select * from identity.history")] == ["k1"]
    either.release()
    either.land("hubspot", "contacts", contact(2, "ann@x.org", "Ann", "Lee", phone=None))
    _, split = either.refresh(tests=False)
    assert split.split == 1
    assert {key: either.customer_of()[key] for key in apart} == apart
    assert len(either.rows("select * from core.dim_customers")) == 2


def test_a_key_that_stops_being_shared_links_its_neighbours_again(duck: ModelWorld) -> None:
    duck.land(
        "hubspot",
        "contacts",
        contact(1, None, "Ann", "Lee", phone="0640112233"),
        contact(2, None, "Robert", "Roe", phone="0640112233"),
        contact(3, None, "Zoe", None, phone="0640112233"),
    )
    duck.refresh(tests=False)
    assert len(set(duck.customer_of().values())) == 3
    duck.release()
    duck.land("hubspot", "contacts", contact(2, None, "Zoe", "Lee", phone="0640112233"))
    duck.land("hubspot", "contacts", contact(1, None, "Ann", "Lee", phone="0640119999"))
    duck.refresh(tests=False)
    customers = duck.customer_of()
    assert customers["hubspot", "h2"] == customers["hubspot", "h3"] != customers["hubspot", "h1"]
    assert duck.rows("select * from identity.shared_identifiers") == []


def test_an_erased_record_leaves_the_customer(duck: ModelWorld) -> None:
    duck.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee"))
    duck.land("klaviyo", "profiles", profile(1, "ann@x.org", "Ann", "Lee"))
    duck.refresh(tests=False)
    duck.release()
    with duck.warehouse.writer("erase") as session:
        session.execute("delete from raw_klaviyo.profiles")
        session.execute("insert into scope.records values ('klaviyo', 'profiles', 'k1')")
    duck.refresh(tests=False)
    assert set(duck.customer_of()) == {("hubspot", "h1")}
    assert [r["system"] for r in duck.rows("select * from core.dim_customer_identities")] == [
        "hubspot"
    ]


def test_repeating_the_step_changes_nothing(duck: ModelWorld) -> None:
    duck.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee"))
    duck.refresh(tests=False)
    before = duck.customer_of()
    result = refresh(duck.warehouse, Matching("FR"))
    assert duck.customer_of() == before
    assert (result.new, result.merged, result.split, result.touched) == (0, 0, 0, 0)


def test_a_decision_alone_moves_customers_and_their_orders(either: ModelWorld) -> None:
    either.land("shopify", "customers", {"id": "s1", "email": "ann@x.org", "first_name": "Ann"})
    either.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee"))
    either.land("shopify", "orders", {"id": "o1", "customer_id": "s1", "total_price": 10})
    either.refresh(tests=False)
    either.release()
    together = either.customer_of()
    assert len(set(together.values())) == 1
    word = make_decision("d1", APART, ("shopify", "s1"), ("hubspot", "h1"), "her mother's shop")
    scope, _ = either.refresh(tests=False, decisions=[word])
    assert scope.is_empty
    either.release()
    apart = either.customer_of()
    assert apart["hubspot", "h1"] != apart["shopify", "s1"]
    assert either.rows("select customer_id from released.fct_orders") == [
        {"customer_id": apart["shopify", "s1"]}
    ]
    assert len(either.rows("select * from released.dim_customers")) == 2
    either.refresh(tests=False)
    either.release()
    assert either.customer_of() == together
    assert len(either.rows("select * from released.dim_customers")) == 1


def test_the_first_people_may_come_after_a_run_over_nobody(duck: ModelWorld) -> None:
    duck.refresh(tests=False)
    duck.release()
    duck.land("klaviyo", "profiles", profile(1, "ann@x.org", "Ann", "Lee"))
    duck.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee"))
    duck.refresh(tests=False)
    assert len(set(duck.customer_of().values())) == 1
