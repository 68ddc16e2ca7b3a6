"""What a gate costs: fifty expectations beside one SQL statement that computes the same.

Ours is `quality.runner.run_suites` as the product calls it: Great Expectations' validation runs in
a warm process, opening and closing the warehouse included, and for a change also collecting what
changed (`changed_rows.find_changes`). The peer is one statement, its connection opened for it. Each
round does all of them in turn; the middle time counts. Counts of broken rows, with faults planted,
must be the same in both before any figure. dbt's tests and soda judge the same rules over the
smaller table, for comparison.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks import _gate_peers
from benchmarks._gate_rules import (
    CHANGED_ONE_IN,
    COLUMNS,
    KEY,
    SCOPE,
    TABLE,
    checks,
    one_statement,
    suite,
)
from orchestration_assets.warehouse.changed_rows import find_changes
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.released_tables import BATCH, RELEASES
from orchestration_assets.warehouse.scope import create_scope_tables
from quality.rules import Batch, Reach, SuiteResult
from quality.runner import run_suites
from quality.thresholds import volume_parameters

ROUNDS = 3
ROWS = 1_000_000
LARGE = 10
FAULTY_ROWS = 20_000
_FILE = "warehouse.duckdb"
_VERSION = "v1"
_FAULTS = (
    "update core.fct_orders set email = 'nobody' where order_id like '%77'",
    "update core.fct_orders set currency_code = 'EURO' where order_id like '%11'",
    "update core.fct_orders set total_amount = -5 where order_id like '%33'",
    "update core.fct_orders set updated_at = created_at - interval 1 day where order_id like '%5'",
    "update core.fct_orders set customer_id = null where order_id like '%99'",
    "update core.fct_orders set tax_amount = 99999 where order_id like '%42'",
)


def run(rows: int = ROWS, rounds: int = ROUNDS, large: int = LARGE) -> dict[str, Any]:
    """Measure and return figures (seconds) and ratios.

    Args:
        rows: rows of the smaller table.
        rounds: how often everything is done; the middle time counts.
        large: how many times as many the larger one has.
    """
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        root = Path(folder)
        correct = _counts_agree(_make(root / "faulty", min(rows, FAULTY_ROWS)), root / "faulty")
        small, big = _make(root / "small", rows), _make(root / "large", rows * large)
        seconds: dict[str, list[float]] = {}
        for _ in range(rounds):
            for size, warehouse in (("1m", small), ("10m", big)):
                correct &= _timed(seconds, f"sql_{size}", lambda w=warehouse: _plain(w))
                correct &= _timed(seconds, f"gate_{size}", lambda w=warehouse: _whole(w))
            correct &= _timed(seconds, "gate_change", lambda: _change(big))
        peers = _gate_peers.measure(root / "small" / _FILE, root / "peers")
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "bench": "gates",
        "workload": {
            "rows": rows,
            "rows_large": rows * large,
            "expectations": len(checks()),
            "free_sql": sum(c.rule.expectation == "UnexpectedRowsExpectation" for c in checks()),
            "changed_one_in": CHANGED_ONE_IN,
            "rounds": rounds,
            "warehouse": "duckdb",
            "columns": len(COLUMNS),
        },
        "correct": correct,
        "figures": {name: [round(one, 3) for one in times] for name, times in seconds.items()}
        | {f"{name}_seconds": value for name, value in peers.items()},
        "ratios": {
            "vs_one_scan_1m": round(middle["gate_1m"] / middle["sql_1m"], 3),
            "vs_one_scan_10m": round(middle["gate_10m"] / middle["sql_10m"], 3),
            "change_vs_full": round(middle["gate_change"] / middle["gate_10m"], 4),
        },
    }


def _timed(seconds: dict[str, list[float]], name: str, work: Callable[[], bool]) -> bool:
    began = time.perf_counter()
    is_correct = work()
    seconds.setdefault(name, []).append(time.perf_counter() - began)
    return is_correct


def _make(folder: Path, rows: int) -> Warehouse:
    """A released table of orders, of which the scope holds one in a hundred."""
    folder.mkdir(parents=True)
    columns = ", ".join(
        f"{sql.format(customers=max(rows // 5, 1))} as {name}" for name, sql in COLUMNS.items()
    )
    with closing(duckdb.connect(str(folder / _FILE))) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for schema in ("core", "released", "gate"):
            connection.execute(f"create schema {schema}")
        connection.execute(f"create table core.{TABLE} as select {columns} from range({rows}) r(i)")
        connection.execute(
            f"create table released.{TABLE} as select *, 1::bigint as _release_number"
            f" from core.{TABLE}"
        )
    warehouse = open_warehouse(f"duckdb:///{folder / _FILE}", folder)
    with warehouse.writer("prepare") as session:
        create_scope_tables(session)
        row = [1, "v0", "", datetime.now(UTC), "{}", True, "", BATCH]
        session.append("released", "releases", pa.table([[v] for v in row], schema=RELEASES))
        session.execute(
            "insert into scope.records (system, stream, record_id)"
            f" select 'shopify', 'orders', cast(i as text) from range(0, {rows}, {CHANGED_ONE_IN})"
            " r(i)"
        )
    return warehouse


def _judged(warehouse: Warehouse, batches: Mapping[str, Batch] | None = None) -> SuiteResult:
    parameters = volume_parameters([TABLE], {})
    return run_suites([suite()], warehouse.url, parameters, batches)[0]


def _whole(warehouse: Warehouse) -> bool:
    result = _judged(warehouse)
    return result.passed and result.evaluated == len(checks())


def _change(warehouse: Warehouse) -> bool:
    unique = {TABLE: [c.rule.columns for c in checks() if c.rule.reach is Reach.KEYS]}
    with warehouse.writer("collect") as session:
        changes = find_changes(session, _VERSION, {TABLE: KEY}, {TABLE: SCOPE}, unique)
    batches = {
        f"core.{TABLE}": Batch(one.changed, one.keys, one.copies) for one in changes.values()
    }
    result = _judged(warehouse, batches)
    expected = (result.rows or 0) // CHANGED_ONE_IN
    return result.passed and result.evaluated == len(checks()) and result.rows_judged == expected


def _plain(warehouse: Warehouse) -> bool:
    path = warehouse.url.removeprefix("duckdb:///")
    with closing(duckdb.connect(path, read_only=True)) as connection:
        return not any(connection.execute(one_statement()).fetchall()[0])


def _counts_agree(warehouse: Warehouse, folder: Path) -> bool:
    """Whether Great Expectations and the one statement count the same planted faults."""
    with closing(duckdb.connect(str(folder / _FILE))) as connection:
        for fault in _FAULTS:
            connection.execute(fault)
        counts = connection.execute(one_statement()).fetchall()[0]
    expected = {
        check.rule.words: count for check, count in zip(checks(), counts, strict=True) if count
    }
    found = {item.rule: item.unexpected_count for item in _judged(warehouse).failures}
    return bool(expected) and found == expected
