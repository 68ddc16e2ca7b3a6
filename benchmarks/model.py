"""How fast the common model is built, beside the same SQL sent by a plain connection.

A million customers and five million orders lie in the raw tables. Each round copies that warehouse
twice, once for dbt as the product runs it (staging, intermediate, core; tests left out on both
sides) and once for the statements that dbt sent, run one after the other. The round then goes on
with dbt's copy: nothing changed, one customer in a hundred changed. The middle of the rounds
counts. Equal rows and checksums of every core table come before any figure: dbt against the plain
SQL, and the incremental build against a full one of the same records.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._model_sql import Statement, core_checksums, run_statements, sent_statements
from benchmarks._model_world import (
    CHANGED_ONE_IN,
    ORDERS_EACH,
    land_change,
    land_everything,
    make_tables,
    open_candidate,
    take_in,
)
from benchmarks._peak_memory import PeakMemory
from orchestration_assets.transform import project
from orchestration_assets.transform.runner import NodeResult, build
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse

ROUNDS = 3
_FILE = "warehouse.duckdb"


_WAYS = ("full", "sql", "nothing", "one_percent")


@dataclass
class _Figures:
    """What was measured: seconds and processor seconds of each round, the rest of the last one."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _WAYS})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _WAYS})
    models: dict[str, dict[str, float]] = field(default_factory=dict)
    peak: dict[str, int | None] = field(default_factory=dict)
    correct: bool = True

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure the block as one round of this way."""
        with PeakMemory() as memory:
            began, began_cpu = time.perf_counter(), time.process_time()
            yield
            self.seconds[name].append(round(time.perf_counter() - began, 3))
            self.cpu[name].append(round(time.process_time() - began_cpu, 3))
        self.peak[name] = memory.peak_mb


def run(rows: int = 1_000_000, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure the builds and return figures (seconds, megabytes) and ratios.

    Args:
        rows: customers; there are five times as many orders.
        rounds: how often everything is done; the middle time counts.
    """
    figures = _Figures()
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        root = Path(folder)
        began = time.perf_counter()
        _make_base(root / "base", rows)
        made = time.perf_counter() - began
        statements: list[Statement] = []
        records: dict[str, int] = {}
        for turn in range(rounds):
            statements, records = _round(root, rows, turn, statements, figures)
        figures.correct &= _is_built_incrementally(root, rounds - 1)
    middle = {name: statistics.median(figures.seconds[name]) for name in _WAYS}
    full = middle["full"] - middle["nothing"]
    return {
        "bench": "model",
        "workload": {
            "customers": rows,
            "orders": rows * ORDERS_EACH,
            "records_in_scope": records,
            "changed_one_in": CHANGED_ONE_IN,
            "models": len(statements),
            "tests": "left out on both sides",
            "rounds": rounds,
            "warehouse": "duckdb",
            "seconds_to_generate": round(made, 1),
        },
        "correct": figures.correct,
        "figures": {f"{name}_seconds": figures.seconds[name] for name in _WAYS}
        | {f"{name}_cpu_seconds": figures.cpu[name] for name in _WAYS}
        | {"seconds_by_model": figures.models, "peak_memory_mb": figures.peak},
        "ratios": {
            "build_vs_sql": round(full / middle["sql"], 3),
            "incremental_vs_full": round((middle["one_percent"] - middle["nothing"]) / full, 4),
        },
    }


def _make_base(folder: Path, customers: int) -> None:
    """The landed warehouse with its scope open; dbt is imported and has parsed the project."""
    warehouse = _open(folder)
    make_tables(warehouse, folder)
    land_everything(folder / _FILE, customers)
    open_candidate(warehouse, folder / _FILE)
    _build(warehouse, folder, ("stg_scope__records",))


def _round(
    root: Path, customers: int, turn: int, statements: list[Statement], figures: _Figures
) -> tuple[list[Statement], dict[str, int]]:
    """One round of all ways, alternating which of dbt and plain SQL comes first."""
    ours, plain = _copy(root, f"dbt-{turn}"), _copy(root, f"sql-{turn}")
    warehouse = _open(ours)
    if turn % 2:
        _plain_sql(plain, statements, figures)
    built = _measured("full", warehouse, ours, figures)
    if not turn % 2:
        statements = statements or sent_statements(ours, built)
        _plain_sql(plain, statements, figures)
    core = core_checksums(ours / _FILE)
    figures.correct &= core == core_checksums(plain / _FILE)
    figures.correct &= core["dim_customers"][0] == customers
    figures.correct &= core["fct_orders"][0] == customers * ORDERS_EACH
    shutil.rmtree(plain)
    take_in(warehouse)
    open_candidate(warehouse, ours / _FILE)
    _measured("nothing", warehouse, ours, figures)
    land_change(ours / _FILE, customers)
    records = open_candidate(warehouse, ours / _FILE)
    _measured("one_percent", warehouse, ours, figures)
    shutil.rmtree(root / f"dbt-{turn - 1}", ignore_errors=True)
    return statements, records


def _is_built_incrementally(root: Path, turn: int) -> bool:
    """Whether the tables that the change left are those of a full build of the same records."""
    folder = root / f"dbt-{turn}"
    changed = core_checksums(folder / _FILE)
    _build_all(_open(folder), folder, full_refresh=True)
    return changed == core_checksums(folder / _FILE)


def _plain_sql(folder: Path, statements: list[Statement], figures: _Figures) -> None:
    with figures.of("sql"):
        run_statements(folder / _FILE, statements)


def _measured(name: str, warehouse: Warehouse, folder: Path, figures: _Figures) -> list[NodeResult]:
    with figures.of(name):
        built = _build_all(warehouse, folder)
    slowest = sorted(built, key=lambda node: -node.seconds)
    figures.models[name] = {
        node.unique_id.rsplit(".", 1)[-1]: round(node.seconds, 2) for node in slowest[:8]
    }
    return built


def _build_all(
    warehouse: Warehouse, folder: Path, *, full_refresh: bool = False
) -> list[NodeResult]:
    """Both dbt stages of a refresh; identity, which stands between them, is done already."""
    return [
        node
        for stage in (project.PREPARE, project.CORE)
        for node in _build(warehouse, folder, stage, full_refresh=full_refresh)
    ]


def _build(
    warehouse: Warehouse, folder: Path, select: tuple[str, ...], *, full_refresh: bool = False
) -> list[NodeResult]:
    result = build(select, warehouse=warehouse, home=folder, full_refresh=full_refresh, tests=False)
    result.raise_for_models()
    return [
        node for node in result.nodes if node.resource_type == "model" and node.status == "success"
    ]


def _open(folder: Path) -> Warehouse:
    folder.mkdir(exist_ok=True)
    return open_warehouse(f"duckdb:///{folder / _FILE}", folder)


def _copy(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir()
    shutil.copy(root / "base" / _FILE, folder / _FILE)
    return folder
