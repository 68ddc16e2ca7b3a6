"""How fast a few new records find their customers among a million.

The warehouse is resolved, the process is warm (one small refresh ran), new records are staged and
in scope: the time is that of `identity.refresh`, one transaction with all that it reads and writes.
Four in ten new records belong to people who are known. Correct means: whoever is not linked with a
new record keeps the customer, and all that identity keeps (links, reviews, customers, keys) is what
a resolution of everybody makes of the same records.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks._alone import alone
from benchmarks._identity_people import people
from benchmarks._identity_warehouse import PeopleWarehouse
from benchmarks._peak_memory import PeakMemory
from orchestration_assets.identity.keys import open_memory

FEW, MANY = 100, 10_000
ROUNDS = 5
_OUTSIDE = """
with moved as (
    select after.component
    from after join before using (system, record_id)
    where after.customer_id <> before.customer_id
)
select
    (select count(*) from before anti join after using (system, record_id))
    + (select count(*) from moved where component not in (
        select component from after semi join landed using (system, record_id)
    ))
"""


@dataclass(frozen=True)
class Step:
    """One refresh.

    Attributes:
        records: how many were new.
        seconds: what it took.
        cpu_seconds: processor time of all its threads; tells a busy machine from much work.
        resolved: records whose clusters were formed anew.
        compared: pairs that were scored.
        peak_mb: most memory.
        outside: records that moved or went although nothing new is linked with them.
    """

    records: int
    seconds: float
    cpu_seconds: float
    resolved: int
    compared: int
    peak_mb: int | None
    outside: int


def run(rows: int = 1_000_000, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure a few and many new records.

    Args:
        rows: person records that are there before; the many are a hundredth of them.
        rounds: how often a few come; the middle time counts. The many come once.
    """
    many = max(FEW, rows * MANY // 1_000_000)
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        root = Path(folder)
        alone(_prepare, root / "people", rows, (rounds + 1) * FEW + many)
        few, large, is_same = alone(_measure, root / "people", rows, rounds, many)
    return {
        "bench": "identity-incremental",
        "workload": {
            "records": rows,
            "few": FEW,
            "many": many,
            "rounds": rounds,
            "measured": "identity.refresh in a warm process; staging is done before",
            "few_resolved": [step.resolved for step in few],
            "many_resolved": large.resolved,
            "pairs_scored": {"few": [step.compared for step in few], "many": large.compared},
            "warehouse": "duckdb",
        },
        "correct": is_same and not any(step.outside for step in (*few, large)),
        "figures": {
            "seconds_100": round(statistics.median(step.seconds for step in few), 3),
            "seconds_10k": round(large.seconds, 3),
            "seconds_100_each": [round(step.seconds, 3) for step in few],
            "cpu_seconds_100": round(statistics.median(step.cpu_seconds for step in few), 3),
            "cpu_seconds_10k": round(large.cpu_seconds, 3),
            "peak_gib_100": _gib([step.peak_mb for step in few]),
            "peak_gib_10k": _gib([large.peak_mb]),
        },
        "ratios": {
            "few_resolved_vs_all": round(max(step.resolved for step in few) / rows, 5),
            "many_resolved_vs_all": round(large.resolved / rows, 5),
        },
    }


def _prepare(folder: Path, rows: int, further: int) -> None:
    warehouse = PeopleWarehouse(folder)
    warehouse.make()
    warehouse.fill(people(rows + further).records.slice(0, rows))
    warehouse.resolve()


def _measure(folder: Path, rows: int, rounds: int, many: int) -> tuple[list[Step], Step, bool]:
    warehouse = PeopleWarehouse(folder)
    new = people(rows + (rounds + 1) * FEW + many).records.slice(rows)
    _step(warehouse, new.slice(0, FEW))
    few = [_step(warehouse, new.slice(turn * FEW, FEW)) for turn in range(1, rounds + 1)]
    large = _step(warehouse, new.slice((rounds + 1) * FEW, many))
    stepwise = warehouse.state()
    warehouse.resolve(full=True)
    return few, large, warehouse.state() == stepwise


def _step(warehouse: PeopleWarehouse, records: pa.Table) -> Step:
    warehouse.land(records)
    before = warehouse.customers()
    with PeakMemory() as memory:
        began, began_cpu = time.perf_counter(), time.process_time()
        result = warehouse.resolve()
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return Step(
        records=records.num_rows,
        seconds=seconds,
        cpu_seconds=cpu,
        resolved=result.resolved,
        compared=result.compared,
        peak_mb=memory.peak_mb,
        outside=moved_outside(before, warehouse.customers(), records),
    )


def moved_outside(before: pa.Table, after: pa.Table, landed: pa.Table) -> int:
    """Records that went to another customer, or are gone, without a link to anything landed.

    Args:
        before: system, record_id, customer_id and component before the refresh.
        after: the same after it.
        landed: system and record_id of the new records.
    """
    with open_memory() as memory:
        memory.register("before", before)
        memory.register("after", after)
        memory.register("landed", landed.select(["system", "record_id"]))
        return int(memory.execute(_OUTSIDE).fetchall()[0][0])


def _gib(peaks: list[int | None]) -> float | None:
    known = [peak for peak in peaks if peak is not None]
    return round(max(known) / 1024, 2) if known else None
