"""How fast a million records become customers, beside bare Splink over the same people.

Ours: from normalised staging to stable ids (`identity.refresh`, with all that it writes down) and
on to survivorship (`dim_customers`, built by dbt). Splink: see `_identity_splink`; its people and
keys lie in memory already. Both score with the same comparisons on the same blocking keys. Each run
has a process of its own, and they take turns; the middle time counts. Precision and recall against
the people that the records were made from come before any figure, and so do the ids of a second
full run, which must be the same.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks import _identity_splink
from benchmarks._alone import alone
from benchmarks._identity_people import people
from benchmarks._identity_warehouse import SURVIVORSHIP, PeopleWarehouse
from benchmarks._pair_quality import Quality, pair_quality
from benchmarks._peak_memory import PeakMemory
from orchestration_assets.identity.training import train

ROUNDS = 3
GROWTH = (0.1, 0.5, 1.0, 2.0)

LEAST_PRECISION, LEAST_RECALL = 0.99, 0.95
"""The more people, the more names stand on too many records to bring two together: recall falls."""

_TRUTH, _KEYED = "truth.parquet", "keyed.parquet"
_RECORD = ["system", "record_id"]


@dataclass(frozen=True)
class Ours:
    """One run of ours.

    Attributes:
        resolve_seconds: the identity step.
        survivorship_seconds: dbt's build of the customers.
        cpu_seconds: processor time of both; tells a busy machine from much work.
        peak_mb: most memory of both.
        quality: against the people that the records were made from.
        train_seconds: learning weights from these records; only where `checked`.
        is_stable: whether a second full run gave the same ids; only where `checked`.
        compared: pairs that were scored.
    """

    resolve_seconds: float
    survivorship_seconds: float
    cpu_seconds: float
    peak_mb: int | None
    quality: Quality
    train_seconds: float
    is_stable: bool
    compared: int

    @property
    def seconds(self) -> float:
        """All of it but the training."""
        return self.resolve_seconds + self.survivorship_seconds


def run(
    rows: int = 1_000_000, rounds: int = ROUNDS, growth: Sequence[float] = GROWTH
) -> dict[str, Any]:
    """Measure ours and Splink, and ours at other sizes.

    Args:
        rows: person records.
        rounds: how often both are done.
        growth: sizes to measure ours at, as shares of the rows; 1 is among them.
    """
    ours: list[Ours] = []
    splink: list[_identity_splink.SplinkRun] = []
    grown: dict[int, Ours] = {}
    normalised: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        root = Path(folder)
        of_rows = root / "of-1.0"
        alone(PeopleWarehouse(root / "empty").make)
        for share in growth:
            size, base = round(rows * share), root / f"of-{share}"
            normalised[size] = alone(_prepare, root / "empty", base, size, share == 1)
            if share != 1:
                grown[size] = alone(_ours, base, root / f"grown-{share}", checked=False)
                continue
            for turn in range(rounds):
                last = turn == rounds - 1
                ours.append(alone(_ours, base, root / f"ours-{turn}", checked=last))
                splink.append(alone(_splink, base))
        rules = _identity_splink.rules(parquet.read_table(of_rows / _KEYED))
        their = pair_quality(
            parquet.read_table(of_rows / _TRUTH), _as_customers(splink[-1]), ["record_key"]
        )
    seconds = statistics.median(one.seconds for one in ours)
    sizes = {size: one.seconds for size, one in grown.items()} | {rows: seconds}
    return {
        "bench": "identity-batch",
        "workload": _workload(rows, rounds, rules, ours[-1], len(splink)),
        "correct": _is_correct([*ours, *grown.values()]),
        "figures": {
            "seconds_1m": round(seconds, 2),
            "peak_gib_1m": _gib([one.peak_mb for one in ours]),
            "growth_exponent": round(growth_exponent(sizes), 3),
            "seconds_by_records": {size: round(sizes[size], 2) for size in sorted(sizes)},
            "resolve_seconds": [round(one.resolve_seconds, 2) for one in ours],
            "survivorship_seconds": [round(one.survivorship_seconds, 2) for one in ours],
            "cpu_seconds": [round(one.cpu_seconds, 2) for one in ours],
            "train_seconds": round(ours[-1].train_seconds, 2),
            "normalise_seconds": round(normalised[rows], 2),
            "precision": round(ours[-1].quality.precision, 5),
            "recall": round(ours[-1].quality.recall, 5),
            "splink_train_seconds": [round(one.train_seconds, 2) for one in splink],
            "splink_predict_and_cluster_seconds": [round(_work(one), 2) for one in splink],
            "splink_cpu_seconds": [round(one.cpu_seconds, 2) for one in splink],
            "splink_peak_gib": _gib([one.peak_mb for one in splink]),
            "splink_precision": round(their.precision, 5),
            "splink_recall": round(their.recall, 5),
        },
        "ratios": _ratios(seconds, ours[-1].train_seconds, splink),
    }


def growth_exponent(seconds: dict[int, float]) -> float:
    """By which power of the records the time grows: the slope of the logarithms."""
    sizes = sorted(seconds)
    return float(np.polyfit(np.log(sizes), np.log([seconds[size] for size in sizes]), 1)[0])


def _prepare(empty: Path, folder: Path, count: int, with_splink: bool) -> float:
    made = people(count)
    warehouse = PeopleWarehouse(empty).copy_to(folder)
    seconds = warehouse.fill(made.records)
    known = warehouse.people()
    truth = made.records.select(_RECORD).append_column("person", pa.array(made.person))
    truth = truth.join(known.select([*_RECORD, "record_key"]), _RECORD)
    parquet.write_table(truth, folder / _TRUTH)
    if with_splink:
        parquet.write_table(_identity_splink.keyed(known), folder / _KEYED)
    return seconds


def _ours(base: Path, folder: Path, *, checked: bool) -> Ours:
    warehouse = PeopleWarehouse(base).copy_to(folder)
    warehouse.warm()
    with PeakMemory() as memory:
        began, began_cpu = time.perf_counter(), time.process_time()
        result = warehouse.resolve()
        resolved = time.perf_counter()
        warehouse.build_survivorship()
        ended, cpu_seconds = time.perf_counter(), time.process_time() - began_cpu
    customers = warehouse.customers()
    quality = pair_quality(
        parquet.read_table(base / _TRUTH),
        customers.select([*_RECORD, "customer_id"]).rename_columns([*_RECORD, "customer"]),
        _RECORD,
    )
    train_seconds, is_stable = 0.0, True
    if checked:
        began_training = time.perf_counter()
        train(warehouse.people())
        train_seconds = time.perf_counter() - began_training
        before = warehouse.state()
        warehouse.resolve(full=True)
        is_stable = warehouse.state() == before and result.customers == _built(warehouse)
    return Ours(
        resolve_seconds=resolved - began,
        survivorship_seconds=ended - resolved,
        cpu_seconds=cpu_seconds,
        peak_mb=memory.peak_mb,
        quality=quality,
        train_seconds=train_seconds,
        is_stable=is_stable,
        compared=result.compared,
    )


def _built(warehouse: PeopleWarehouse) -> int:
    return int(
        warehouse.rows("select count(*) as customers from core.dim_customers")[0]["customers"]
    )


def _splink(base: Path) -> _identity_splink.SplinkRun:
    return _identity_splink.link(parquet.read_table(base / _KEYED))


def _as_customers(found: _identity_splink.SplinkRun) -> pa.Table:
    return found.clusters.rename_columns(["record_key", "customer"])


def _work(one: _identity_splink.SplinkRun) -> float:
    return one.predict_seconds + one.cluster_seconds


def _gib(peaks: list[int | None]) -> float | None:
    known = [peak for peak in peaks if peak is not None]
    return round(max(known) / 1024, 2) if known else None


def _is_correct(ours: list[Ours]) -> bool:
    return all(
        one.is_stable
        and one.quality.precision >= LEAST_PRECISION
        and one.quality.recall >= LEAST_RECALL
        for one in ours
    )


def _ratios(
    seconds: float, train_seconds: float, splink: list[_identity_splink.SplinkRun]
) -> dict[str, float]:
    work = statistics.median(_work(one) for one in splink)
    trained = statistics.median(one.train_seconds + _work(one) for one in splink)
    return {
        "seconds_vs_splink": round((seconds + train_seconds) / trained, 3),
        "seconds_vs_splink_without_training": round(seconds / work, 3),
        "seconds_without_training_vs_splink_with": round(seconds / trained, 3),
    }


def _workload(rows: int, rounds: int, rules: list[str], ours: Ours, turns: int) -> dict[str, Any]:
    return {
        "records": rows,
        "rounds": rounds,
        "processes": f"one for each run, ours and Splink in turn, {turns} times",
        "ours": "normalised people in the warehouse, packaged weights: keys, pairs, scores, links,"
        " clusters, guards, stable ids, history, all written down; survivorship by dbt: "
        + ", ".join(SURVIVORSHIP),
        "splink": "people and keys in memory; train, predict, cluster; nothing written",
        "splink_rules": rules,
        "training": "seconds_1m has none; vs_splink has it on both sides, without_training on none",
        "pairs_scored": ours.compared,
        "warehouse": "duckdb",
    }
