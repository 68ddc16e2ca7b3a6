"""The identity step in a warehouse: stable ids, guards, merges and splits, on both engines."""

from pathlib import Path

import pytest

from orchestration_assets.identity.refresh import refresh
from orchestration_assets.warehouse.scope import forget
from tests.support.model_world import ModelWorld, open_world


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> ModelWorld:
    if request.param == "duckdb":
        return open_world(f"duckdb:///{tmp_path / 'warehouse.duckdb'}", tmp_path)
    return open_world(request.getfixturevalue("postgres_url"), tmp_path)


def contact(number: int, email: str | None, first: str, last: str, **more) -> dict:
    return {"id": f"h{number}", "email": email, "firstname": first, "lastname": last} | more


def profile(number: int, email: str | None, first: str, last: str, **more) -> dict:
    return {"id": f"k{number}", "email": email, "first_name": first, "last_name": last} | more


def test_ids_stay_while_clusters_grow_and_after_a_rebuild(world: ModelWorld) -> None:
    world.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee", phone="0640112233"))
    world.refresh(tests=False)
    first = world.customer_of()["hubspot", "h1"]
    world.release()
    world.land("klaviyo", "profiles", profile(1, "ANN@x.org ", "Ann", "Lee"))
    world.refresh(tests=False)
    world.release()
    world.land("klaviyo", "profiles", profile(2, None, "Ann", "Lee", phone_number="+33640112233"))
    _, result = world.refresh(tests=False)
    assert set(world.customer_of().values()) == {first}
    assert (result.records, result.customers, result.new) == (3, 1, 0)
    grown = world.customer_of()
    forget(world.warehouse)
    _, rebuilt = world.refresh(full=True, tests=False)
    assert world.customer_of() == grown
    assert rebuilt.resolved == 3


def test_a_phone_that_two_people_share_does_not_merge_them(world: ModelWorld) -> None:
    world.land(
        "hubspot",
        "contacts",
        contact(1, "ann@x.org", "Ann", "Lee", phone="0640112233"),
        contact(2, "bob@x.org", "Robert", "Lee", phone="+33 6 40 11 22 33"),
    )
    world.land("klaviyo", "profiles", profile(1, None, "Ann", "Lee", phone_number="0640112233"))
    _, result = world.refresh(tests=False)
    customers = world.customer_of()
    assert customers["hubspot", "h1"] == customers["klaviyo", "k1"]
    assert customers["hubspot", "h1"] != customers["hubspot", "h2"]
    assert result.shared_identifiers == 1
    assert world.rows("select kind, reason, records from identity.shared_identifiers") == [
        {"kind": "phone", "reason": "names_differ", "records": 3}
    ]


def test_a_later_record_merges_two_customers_and_a_correction_splits_them(
    world: ModelWorld,
) -> None:
    world.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee"))
    world.land("klaviyo", "profiles", profile(1, None, "Ann", "Lee", phone_number="+33640112233"))
    world.refresh(tests=False)
    world.release()
    apart = world.customer_of()
    bridge = contact(2, "ann@x.org", "Ann", "Lee", phone="0640112233")
    world.land("hubspot", "contacts", bridge)
    _, merged = world.refresh(tests=False)
    assert set(world.customer_of().values()) == {apart["hubspot", "h1"]}
    assert merged.merged == 1
    scope = {row["customer_id"] for row in world.rows("select customer_id from scope.customers")}
    assert scope == set(apart.values())
    assert len(world.rows("select * from core.dim_customers")) == 1
    assert [row["record_id"] for row in world.rows("select * from identity.history")] == ["k1"]
    world.release()
    world.land("hubspot", "contacts", contact(2, "ann@x.org", "Ann", "Lee", phone=None))
    _, split = world.refresh(tests=False)
    assert split.split == 1
    assert {key: world.customer_of()[key] for key in apart} == apart
    assert len(world.rows("select * from core.dim_customers")) == 2


def test_a_key_that_stops_being_shared_links_its_neighbours_again(world: ModelWorld) -> None:
    world.land(
        "hubspot",
        "contacts",
        contact(1, None, "Ann", "Lee", phone="0640112233"),
        contact(2, None, "Robert", "Roe", phone="0640112233"),
        contact(3, None, "Zoe", None, phone="0640112233"),
    )
    world.refresh(tests=False)
    assert len(set(world.customer_of().values())) == 3
    world.release()
    world.land("hubspot", "contacts", contact(2, None, "Zoe", "Lee", phone="0640112233"))
    world.land("hubspot", "contacts", contact(1, None, "Ann", "Lee", phone="0640119999"))
    world.refresh(tests=False)
    customers = world.customer_of()
    assert customers["hubspot", "h2"] == customers["hubspot", "h3"] != customers["hubspot", "h1"]
    assert world.rows("select * from identity.shared_identifiers") == []


def test_an_erased_record_leaves_the_customer(world: ModelWorld) -> None:
    world.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee"))
    world.land("klaviyo", "profiles", profile(1, "ann@x.org", "Ann", "Lee"))
    world.refresh(tests=False)
    world.release()
    with world.warehouse.writer("erase") as session:
        session.execute("delete from raw_klaviyo.profiles")
        session.execute("insert into scope.records values ('klaviyo', 'profiles', 'k1')")
    world.refresh(tests=False)
    assert set(world.customer_of()) == {("hubspot", "h1")}
    assert [r["system"] for r in world.rows("select * from core.dim_customer_identities")] == [
        "hubspot"
    ]


def test_repeating_the_step_changes_nothing(world: ModelWorld) -> None:
    world.land("hubspot", "contacts", contact(1, "ann@x.org", "Ann", "Lee"))
    world.refresh(tests=False)
    before = world.customer_of()
    result = refresh(world.warehouse, "FR")
    assert world.customer_of() == before
    assert (result.new, result.merged, result.split, result.touched) == (0, 0, 0, 0)
