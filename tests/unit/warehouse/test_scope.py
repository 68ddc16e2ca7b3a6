"""The scope accumulates until a release consumes it, and only then lets go."""

from pathlib import Path

import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse.progress import unfinished
from orchestration_assets.warehouse.scope import (
    consume,
    current_scope,
    extend_with_customers,
    forget,
    in_scope,
    open_scope,
    unconsumed_loads,
)
from tests.support.candidate import finish_candidate
from tests.support.model_world import ModelWorld, open_world


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> ModelWorld:
    if request.param == "duckdb":
        return open_world(f"duckdb:///{tmp_path / 'warehouse.duckdb'}", tmp_path)
    return open_world(request.getfixturevalue("postgres_url"), tmp_path)


def _ids(*ids: str | None) -> str:
    values = ", ".join("(null)" if one is None else f"('{one}')" for one in ids)
    return f"select * from (values {values}) v(customer_id)"


def test_a_scope_holds_every_load_that_is_not_consumed(world: ModelWorld) -> None:
    assert open_scope(world.warehouse).is_empty
    world.land("shopify", "orders", {"id": "1"}, {"id": "2"}, {"id": "1"})
    first = open_scope(world.warehouse)
    world.land("shopify", "orders", {"id": "2"}, {"id": "3"})
    second = open_scope(world.warehouse)
    assert first.records == {"shopify.orders": 2}
    assert second.records == {"shopify.orders": 3}
    assert (second.loads, second.candidate_id != first.candidate_id) == (2, True)


def test_consuming_empties_the_scope_and_leaves_later_loads(world: ModelWorld) -> None:
    world.land("shopify", "orders", {"id": "1"})
    open_scope(world.warehouse)
    late = world.land("shopify", "orders", {"id": "2"})
    with world.warehouse.writer("release") as session:
        extend_with_customers(session, [_ids("cus_1", "cus_1", "cus_2")])
        assert consume(session, 1) == 1
    assert unconsumed_loads(world.warehouse) == [f"shopify.orders:{late}"]
    assert open_scope(world.warehouse).records == {"shopify.orders": 1}
    assert world.rows("select * from scope.customers") == []


def test_a_release_that_fails_consumes_nothing(world: ModelWorld) -> None:
    world.land("shopify", "orders", {"id": "1"})
    before = open_scope(world.warehouse)

    def failing_release() -> None:
        with world.warehouse.writer("release") as session:
            consume(session, 1)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        failing_release()
    with world.warehouse.reader() as session:
        assert current_scope(session).records == before.records


def test_opening_the_scope_again_takes_back_what_was_done(world: ModelWorld) -> None:
    world.land("shopify", "orders", {"id": "1"})
    open_scope(world.warehouse)
    with world.warehouse.writer("refresh") as session:
        finish_candidate(session, "v1")
        assert unfinished(session, "v1") == []
        assert unfinished(session, "v0") == ["the core was built as another version"]
    open_scope(world.warehouse)
    with world.warehouse.reader() as session:
        assert unfinished(session, "v1") == [
            "staging is not done",
            "identity is not done",
            "core is not done",
        ]


def test_forgetting_brings_everything_back(world: ModelWorld) -> None:
    world.land("shopify", "orders", {"id": "1"})
    open_scope(world.warehouse)
    with world.warehouse.writer("release") as session:
        consume(session, 1)
    forget(world.warehouse)
    assert open_scope(world.warehouse).records == {"shopify.orders": 1}


def test_customers_are_added_once(world: ModelWorld) -> None:
    open_scope(world.warehouse)
    with world.warehouse.writer("identity") as session:
        assert extend_with_customers(session, [_ids("cus_1"), _ids("cus_1", "cus_2")]) == 2
        assert extend_with_customers(session, [_ids("cus_2", "cus_3", None)]) == 1


def test_a_condition_is_made_from_what_a_model_declares() -> None:
    condition = in_scope({"order_id": "id:shopify.orders", "customer_id": "customers"})
    assert condition.startswith("order_id in (select system || ':' || record_id from scope.records")
    assert condition.endswith("customer_id in (select customer_id from scope.customers)")
    with pytest.raises(FatalError):
        in_scope({"order_id": "id:shopify.orders'; drop table x"})
