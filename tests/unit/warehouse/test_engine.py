"""Readers, writers and bulk data behave alike on DuckDB and PostgreSQL."""

import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.warehouse.duckdb_session import WalDamagedError
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse

ROWS = pa.table(
    {
        "id": [1, 2, 3],
        "text": ['a "quote", a comma\nand a line', "", None],
        "at": pa.array([datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)] * 3, pa.timestamp("us", "UTC")),
        "amount": pa.array([Decimal("1.25"), None, Decimal(-3)], pa.decimal128(20, 4)),
        "is_new": [True, False, None],
        "day": pa.array([date(2020, 2, 29), None, None]),
        "tags": [["a", 'b "c"', None], None, []],
        "score": [1.5, None, -0.0],
    }
)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"duckdb:///{tmp_path / 'w.duckdb'}"
    return open_warehouse(url, tmp_path, lock_timeout_s=30)


def test_a_table_comes_back_as_it_was_written(warehouse: Warehouse):
    with warehouse.writer("write") as session:
        assert session.append("s", "t", ROWS) == 3
    with warehouse.reader() as session:
        back = session.arrow('select * from s.t order by "id"')
        assert session.table_exists("s", "t")
        assert session.count("s", "t") == 3
    assert back.column_names == ROWS.column_names
    assert back.to_pylist() == ROWS.to_pylist()


def test_columns_are_matched_by_name_and_missing_ones_are_null(warehouse: Warehouse):
    with warehouse.writer("write") as session:
        session.append("s", "t", ROWS.select(["id", "text"]))
        session.append("s", "t", pa.table({"text": ["x"], "id": [9]}))
        session.append("s", "t", pa.table({"id": [10]}))
        assert session.rows("select text from s.t where id = :id", {"id": 9}) == [{"text": "x"}]
        assert session.scalar("select text from s.t where id = :id", {"id": 10}) is None


def test_replace_keeps_the_views_over_the_table(warehouse: Warehouse):
    with warehouse.writer("write") as session:
        session.append("s", "t", ROWS.select(["id"]))
        session.execute("create view s.v as select id from s.t")
        session.replace("s", "t", pa.table({"id": [7], "note": ["new column"]}))
    with warehouse.reader() as session:
        assert session.rows("select * from s.v") == [{"id": 7}]
        assert session.rows("select * from s.t") == [{"id": 7, "note": "new column"}]


def test_execute_returns_the_number_of_changed_rows(warehouse: Warehouse):
    with warehouse.writer("write") as session:
        session.append("s", "t", ROWS)
        assert session.execute("update s.t set text = :x where id < :n", {"x": "y", "n": 3}) == 2
        assert session.execute("delete from s.t where id = :n", {"n": 3}) == 1
        assert session.execute("insert into s.t (id) values (:n)", {"n": 4}) == 1
        listed = session.scalar(
            "select count(*) from s.t where id in (select unnest(:ids::bigint[]))", {"ids": [1, 4]}
        )
        assert listed == 2


def test_an_exception_rolls_everything_back(warehouse: Warehouse):
    def write_and_fail() -> None:
        with warehouse.writer("write") as session:
            session.append("s", "t", ROWS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with warehouse.reader() as session:
        assert not session.table_exists("s", "t")
    with warehouse.writer("write again") as session:
        session.append("s", "t", ROWS)


def test_a_failed_statement_rolls_everything_back_and_frees_the_lock(warehouse: Warehouse):
    def write_and_fail() -> None:
        with warehouse.writer("write") as session:
            session.append("s", "t", ROWS)
            session.execute("select * from no_such_table")

    for _ in range(2):
        with pytest.raises(Exception, match="no_such_table"):
            write_and_fail()
    with warehouse.reader() as session:
        assert not session.table_exists("s", "t")


def test_a_writer_inside_a_writer_is_the_same_transaction(warehouse: Warehouse):
    def write_and_fail() -> None:
        with warehouse.writer("outer") as outer:
            with warehouse.exclusive("between"), warehouse.writer("inner") as inner:
                assert inner is outer
                inner.append("s", "t", ROWS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with warehouse.reader() as session:
        assert session.count("s", "t") == 0


def test_the_holders_thread_may_read_what_is_committed(warehouse: Warehouse):
    with warehouse.exclusive("outer"):
        with warehouse.writer("write") as session:
            session.append("s", "t", ROWS)
        with warehouse.reader() as session:
            assert session.count("s", "t") == 3


def test_a_writer_waits_for_its_turn_and_names_who_has_it(warehouse: Warehouse, tmp_path: Path):
    impatient = open_warehouse(warehouse.url, tmp_path, lock_timeout_s=0.3)
    caught: list[BaseException] = []

    def write() -> None:
        try:
            with impatient.writer("late"):
                pass
        except RetriableError as error:
            caught.append(error)

    with warehouse.exclusive("the long job"):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(20)
    assert len(caught) == 1
    assert "the long job" in str(caught[0])
    assert "Next step" in str(caught[0])
    with impatient.writer("in time"):
        pass


def test_many_threads_write_and_read_without_losing_a_row(warehouse: Warehouse):
    with warehouse.writer("prepare") as session:
        session.append("s", "t", pa.table({"id": [0]}))
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(3):
                with warehouse.writer(f"writer {number}") as session:
                    session.append("s", "t", pa.table({"id": [number]}))
                with warehouse.reader() as session:
                    assert session.count("s", "t") > 0
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with warehouse.reader() as session:
        assert session.count("s", "t") == 13


def test_times_are_utc_whatever_the_machine_says(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TZ", "America/New_York")
    with warehouse.reader() as session:
        text = session.scalar("select cast(timestamptz '2026-01-01 00:00:00+00' as varchar)")
    assert text == "2026-01-01 00:00:00+00"


def test_reading_before_anything_was_written_finds_nothing(tmp_path: Path):
    warehouse = open_warehouse(f"duckdb:///{tmp_path / 'none.duckdb'}", tmp_path)
    with warehouse.reader() as session:
        assert not session.table_exists("s", "t")
        assert session.count("s", "t") == 0
    assert not (tmp_path / "none.duckdb").exists()


def test_sql_cannot_reach_files(tmp_path: Path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    warehouse = open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}", tmp_path)
    with (
        pytest.raises(duckdb.PermissionException),
        warehouse.writer("read a file") as session,
    ):
        session.rows("select * from read_csv(:path)", {"path": str(secret)})


def test_an_address_without_an_engine_is_refused(tmp_path: Path):
    with pytest.raises(FatalError, match="ACCORD_WAREHOUSE_URL"):
        open_warehouse("mysql://somewhere", tmp_path)


def test_a_log_that_does_not_replay_is_put_aside_once(tmp_path: Path):
    path = tmp_path / "w.duckdb"
    _leave_a_log(path)
    wal = tmp_path / "w.duckdb.wal"
    damaged = bytearray(wal.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 64] = bytes(byte ^ 0xFF for byte in damaged[middle : middle + 64])
    wal.write_bytes(damaged)
    warehouse = open_warehouse(f"duckdb:///{path}", tmp_path)

    with pytest.raises(WalDamagedError, match="quarantined"), warehouse.reader():
        pass

    assert not wal.exists()
    assert len(list(tmp_path.glob("*.quarantined-*"))) == 1
    with warehouse.reader() as session:
        assert session.count("main", "kept") == 1


def _leave_a_log(path: Path) -> None:
    """Write in a process that ends without closing the file, as a killed one does."""
    script = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("create table kept as select 1 as a")
connection.execute("checkpoint")
connection.execute("create table lost as select range as a from range(10000)")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
