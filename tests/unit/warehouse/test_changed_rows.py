"""What changed is found by the scope; all rows are compared once a day and when counts differ."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration_assets.warehouse import changed_rows
from orchestration_assets.warehouse.changed_rows import WHOLE_EVERY, Changes, find_changes
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.release import last_release
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from tests.support.small_core import TWO, build, customers, passing, publish, small_core

SCOPES = {"dim_customers": {"customer_id": "customers"}}
UNIQUE = {"dim_customers": [("customer_id",), ("amount",)]}


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """Two customers that were released, on each engine."""
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    opened = small_core(url, tmp_path)
    build(opened, "v1", TWO)
    publish(opened, passing())
    return opened


@pytest.fixture(autouse=True)
def _no_table_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed_rows, "FEW_ROWS", 0)


def changes(warehouse: Warehouse, version: str) -> Changes | None:
    """What is found changed among the customers; the candidate touches customer b and one gone."""
    with warehouse.writer("collect") as session:
        session.execute("delete from scope.customers")
        session.execute("insert into scope.customers values ('b'), ('gone')")
        tables = {"dim_customers": RELEASED_TABLES["dim_customers"]}
        return find_changes(session, version, tables, SCOPES, UNIQUE).get("dim_customers")


def is_whole(warehouse: Warehouse) -> bool:
    with warehouse.reader() as session:
        newest = last_release(session)
    assert newest is not None
    return newest["is_whole"]


def test_rows_in_scope_and_those_that_share_a_value_with_them_are_found(
    warehouse: Warehouse,
) -> None:
    build(warehouse, "v2", "update core.dim_customers set amount = 1 where customer_id = 'b'")
    found = changes(warehouse, "v2")
    assert found is not None
    with warehouse.writer("copy") as session:
        for name, query in found.copies.items():
            session.execute(f"create temp table {name} as {query}")
        copied = {
            name: [row.values() for row in session.rows(f"select * from {name}")]
            for name in found.copies
        }
    assert [[*row] for row in copied[found.changed]] == [["b", 1]]
    # Whoever has the same id is in scope by it; the same amount may stand anywhere.
    assert found.keys["customer_id",] == found.changed
    assert [[*row] for row in copied[found.keys["amount",]]] == [[1], [1]]


def test_a_small_table_is_judged_whole_and_released_by_change(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed_rows, "FEW_ROWS", 3)
    build(warehouse, "v2", "update core.dim_customers set amount = 7")
    assert changes(warehouse, "v2") is None
    publish(warehouse, passing())
    assert customers(warehouse) == {"a": 1, "b": 7}


def test_a_row_that_is_gone_from_core_is_taken_out_by_the_release(warehouse: Warehouse) -> None:
    build(warehouse, "v2", "delete from core.dim_customers where customer_id = 'b'")
    assert changes(warehouse, "v2")
    result = publish(warehouse, passing(1))
    assert (result.removed["dim_customers"], customers(warehouse)) == (1, {"a": 1})


def test_a_release_by_change_leaves_what_is_not_in_scope(warehouse: Warehouse) -> None:
    build(warehouse, "v2", "update core.dim_customers set amount = 7")
    assert changes(warehouse, "v2")
    publish(warehouse, passing())
    assert customers(warehouse) == {"a": 1, "b": 7}


def test_a_row_written_past_the_scope_makes_the_release_compare_all_rows(
    warehouse: Warehouse,
) -> None:
    build(
        warehouse,
        "v2",
        "update core.dim_customers set amount = 7",
        "insert into core.dim_customers values ('c', 3)",
    )
    assert changes(warehouse, "v2")
    publish(warehouse, passing(3))
    assert customers(warehouse) == {"a": 7, "b": 7, "c": 3}


def test_once_a_day_all_rows_are_judged_and_compared(warehouse: Warehouse) -> None:
    build(warehouse, "v2", "update core.dim_customers set amount = 7")
    with warehouse.writer("a day goes by") as session:
        session.execute(
            "update released.releases set released_at = :at",
            {"at": datetime.now(UTC) - WHOLE_EVERY},
        )
    assert changes(warehouse, "v2") is None
    publish(warehouse, passing())
    assert customers(warehouse) == {"a": 7, "b": 7}
    assert is_whole(warehouse)
    build(warehouse, "v3")
    assert changes(warehouse, "v3")
