"""The same raw rows give the same model on DuckDB and PostgreSQL, and built in parts or at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration_assets.warehouse.engine import open_warehouse
from orchestration_assets.warehouse.scope import forget
from tests.support.dated_world import DatedWorld
from tests.support.seeded_landing import waves

pytestmark = pytest.mark.long

CLOCK = datetime(2026, 6, 1, tzinfo=UTC)


def open_world(url: str, home: Path) -> DatedWorld:
    return DatedWorld(open_warehouse(url, home, 60), home, times=[CLOCK])


def build_in_two_parts(world: DatedWorld) -> dict[str, dict[str, str]]:
    """Checksums of core and released after a first build, an incremental one, and a full one."""
    found = {}
    for number, wave in enumerate(waves()):
        world.times.append(CLOCK + timedelta(days=number))
        for system, stream, records in wave:
            world.land(system, stream, *records)
        world.refresh(tests=number == 1)
        world.release(at=world.times[-1])
        found[f"release {number + 1}"] = world.checksums("core", "released")
    forget(world.warehouse)
    world.refresh(full=True, tests=False)
    found["built anew"] = world.checksums("core")
    return found


@pytest.mark.postgres
def test_both_engines_build_the_same_rows_in_parts_and_at_once(
    tmp_path: Path, postgres_url: str
) -> None:
    duckdb = open_world(f"duckdb:///{tmp_path / 'warehouse.duckdb'}", tmp_path / "duckdb")
    postgres = open_world(postgres_url, tmp_path / "postgres")
    one, other = build_in_two_parts(duckdb), build_in_two_parts(postgres)
    for moment, checksums in one.items():
        assert checksums == other[moment], moment
    in_parts = one["release 2"]
    assert one["built anew"] == {table: in_parts[table] for table in one["built anew"]}
    assert [table for table, sum_ in in_parts.items() if sum_.startswith("0 rows")] == []


def test_the_seeded_rows_reach_the_rules_they_are_for(tmp_path: Path) -> None:
    world = open_world(f"duckdb:///{tmp_path / 'warehouse.duckdb'}", tmp_path)
    for system, stream, records in waves()[0]:
        world.land(system, stream, *records)
    world.refresh(tests=False)
    counts = world.rows(
        "select count(*) as periods, count(distinct status) as statuses,"
        " count(valid_to) as ended from core.fct_consents_history"
    )[0]
    assert counts["statuses"] == 2
    assert counts["periods"] > counts["ended"] > 0
    corrected = "select count(distinct corrected_by) as ways from core.fct_manual_operations"
    assert world.rows(corrected) == [{"ways": 2}]
    money = world.rows(
        "select count(*) filter (where currency_code = 'USD') as dollars,"
        " count(net_amount_reporting) filter (where currency_code = 'USD') as told,"
        " count(net_amount_reporting) filter (where currency_code = 'SEK' and net_amount > 0)"
        " as guessed from core.fct_orders"
    )[0]
    assert money["dollars"] > money["told"] > 0
    assert money["guessed"] == 0
