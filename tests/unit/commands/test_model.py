"""`accord model as-of`: tells what a released table held, and writes it out when asked to."""

from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse.released_tables import (
    BATCH,
    RELEASES,
    copy_table,
    ensure_released_tables,
)
from tests.unit.warehouse.test_released_history import released_on

TABLE, KEYS = "dim_customers", ("customer_id",)


@pytest.fixture(autouse=True)
def two_releases():
    """`a` in the release of the first of November, `a` and `b` in that of the second."""
    with Deployment().warehouse.writer("prepare") as session:
        session.create_schema("core")
        session.execute("create table core.dim_customers (customer_id text)")
        for number, customer in ((1, "a"), (2, "b")):
            session.execute("insert into core.dim_customers values (:id)", {"id": customer})
            ensure_released_tables(session)
            copy_table(session, TABLE, KEYS, number)
            values = [number, f"v{number}", "", released_on(number), "{}", True, "", BATCH]
            session.append("released", "releases", pa.table([[v] for v in values], schema=RELEASES))


def as_of(*arguments: str):
    return CliRunner().invoke(app, ["model", "as-of", TABLE, *arguments])


def test_it_tells_the_release_and_the_rows_of_that_time():
    assert as_of("--at", "2026-11-01T23:59:59Z").stdout == (
        "dim_customers as released with number 1: 1 rows.\n"
    )
    assert "number 2: 2 rows" in as_of("--at", "2026-11-02T00:00:00").stdout


def test_it_writes_the_rows_to_a_file(tmp_path: Path):
    path = tmp_path / "out" / "customers.csv"
    assert as_of("--at", "2026-11-01", "--csv", str(path)).exit_code == 0
    assert path.read_text() == '"customer_id"\n"a"\n'


def test_a_time_that_is_none_says_how_to_write_one():
    failed = as_of("--at", "yesterday")
    assert isinstance(failed.exception, FatalError)
    assert "2026-11-01T00:00:00Z" in failed.exception.next_step
