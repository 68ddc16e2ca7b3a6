"""A released table can be read as it stood at any time, on both engines."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.released_history import read_as_of
from orchestration_assets.warehouse.released_tables import (
    BATCH,
    RELEASES,
    copy_table,
    ensure_released_tables,
)

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
TABLE, KEYS = "dim_customers", ("customer_id",)


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """A warehouse whose core has one table."""
    url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    opened = open_warehouse(url, tmp_path)
    with opened.writer("prepare") as session:
        session.create_schema("core")
        session.execute("create table core.dim_customers (customer_id text, spent decimal(18, 2))")
    return opened


def released_on(number: int) -> datetime:
    """Release 1 was made on the first of November, each next one a day later."""
    return FIRST + timedelta(days=number - 1)


def release(warehouse: Warehouse, number: int, *statements: str) -> tuple[int, int]:
    with warehouse.writer("release") as session:
        for statement in statements:
            session.execute(statement)
        ensure_released_tables(session)
        copied = copy_table(session, TABLE, KEYS, number)
        values = [number, f"v{number}", "", released_on(number), "{}", True, "", BATCH]
        session.append("released", "releases", pa.table([[v] for v in values], schema=RELEASES))
    return copied


def as_of(warehouse: Warehouse, number: int) -> list[dict]:
    """The rows at noon of the day of a release, in order of their keys."""
    with warehouse.reader() as session:
        found = read_as_of(session, TABLE, released_on(number) + timedelta(hours=12))
    return sorted(found.to_pylist(), key=lambda row: row["customer_id"])


def spent(warehouse: Warehouse, number: int) -> dict[str, float | None]:
    return {
        row["customer_id"]: None if row["spent"] is None else float(row["spent"])
        for row in as_of(warehouse, number)
    }


def test_each_release_can_be_read_after_later_ones(warehouse: Warehouse) -> None:
    release(
        warehouse, 1, "insert into core.dim_customers values ('a', 1), ('b', 2), ('still', null)"
    )
    release(
        warehouse,
        2,
        "update core.dim_customers set spent = 20 where customer_id = 'b'",
        "delete from core.dim_customers where customer_id = 'a'",
    )
    release(warehouse, 3)
    release(warehouse, 4, "insert into core.dim_customers values ('a', 5)")
    assert spent(warehouse, 1) == {"a": 1, "b": 2, "still": None}
    assert spent(warehouse, 2) == {"b": 20, "still": None}
    assert spent(warehouse, 3) == spent(warehouse, 2)
    assert spent(warehouse, 4) == {"a": 5, "b": 20, "still": None}


def test_rows_that_never_change_are_stored_once(warehouse: Warehouse) -> None:
    release(warehouse, 1, "insert into core.dim_customers values ('a', 1), ('b', null)")
    release(warehouse, 2, "update core.dim_customers set spent = 3 where customer_id = 'a'")
    assert release(warehouse, 3) == (0, 0)
    with warehouse.reader() as session:
        kept = session.rows("select * from released_history.dim_customers")
        now = session.rows("select customer_id, _release_number from released.dim_customers")
    assert [(k["customer_id"], k["_release_number"], k["_replaced_by_release"]) for k in kept] == [
        ("a", 1, 2)
    ]
    assert {row["customer_id"]: row["_release_number"] for row in now} == {"a": 2, "b": 1}


def test_a_column_that_is_added_leaves_the_rows_without_a_value_alone(warehouse: Warehouse) -> None:
    release(warehouse, 1, "insert into core.dim_customers values ('a', 1), ('b', 2)")
    changed = release(
        warehouse,
        2,
        "alter table core.dim_customers add column city text",
        "update core.dim_customers set city = 'Lyon' where customer_id = 'a'",
    )
    assert changed == (1, 1)
    assert [row["city"] for row in as_of(warehouse, 1)] == [None, None]
    assert [row["city"] for row in as_of(warehouse, 2)] == ["Lyon", None]


def test_a_column_that_goes_or_changes_its_type_keeps_its_history(warehouse: Warehouse) -> None:
    release(warehouse, 1, "insert into core.dim_customers values ('a', 1.5), ('b', 2)")
    changed = release(
        warehouse,
        2,
        "alter table core.dim_customers drop column spent",
        "alter table core.dim_customers add column spent text",
        "update core.dim_customers set spent = 'much'",
    )
    assert changed == (2, 2)
    assert [row["spent"] for row in as_of(warehouse, 2)] == ["much", "much"]
    before = as_of(warehouse, 1)
    assert [float(row["spent_until_release_2"]) for row in before] == [1.5, 2]
    assert [row["spent"] for row in before] == [None, None]
    release(warehouse, 3, "alter table core.dim_customers drop column spent")
    assert [row["spent"] for row in as_of(warehouse, 2)] == ["much", "much"]
    assert [row["customer_id"] for row in as_of(warehouse, 3)] == ["a", "b"]


def test_rows_of_a_deployment_that_noted_no_release_count_as_the_newest_ones(
    warehouse: Warehouse,
) -> None:
    release(warehouse, 1, "insert into core.dim_customers values ('a', 1)")
    with warehouse.writer("as before") as session:
        session.execute("alter table released.dim_customers drop column _release_number")
        session.execute("drop table released_history.dim_customers")
    release(warehouse, 2, "update core.dim_customers set spent = 2")
    assert spent(warehouse, 1) == {"a": 1}
    assert spent(warehouse, 2) == {"a": 2}


def test_asking_for_what_never_was_says_what_to_do(warehouse: Warehouse) -> None:
    release(warehouse, 1, "insert into core.dim_customers values ('a', 1)")
    with warehouse.reader() as session:
        with pytest.raises(FatalError, match="had been released by") as early:
            read_as_of(session, TABLE, FIRST - timedelta(seconds=1))
        with pytest.raises(FatalError, match="No released table"):
            read_as_of(session, "releases", FIRST)
    assert early.value.next_step
