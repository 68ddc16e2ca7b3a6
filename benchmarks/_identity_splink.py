"""Bare Splink over the same people: the same comparisons, the same blocking keys and limits.

The keys are made and limited by ours, before its time begins: each kind is a column, null where the
key is on one record only or on more than its limit. Splink gets one blocking rule for each column,
trains, predicts and clusters, and stops there: no ids, no guards, nothing is written.
"""

import logging
import time
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from benchmarks._peak_memory import PeakMemory
from orchestration_assets.identity.comparisons import splink_comparisons
from orchestration_assets.identity.keys import LIMIT_OF_KIND, match_keys, open_memory
from orchestration_assets.identity.links import STANDARD

_ID = "unique_id"
_SURE_RULES = ("l.email = r.email", "l.phone = r.phone")
_EM_RULES = ("l.last = r.last and l.first = r.first", "l.email = r.email", "l.phone = r.phone")
_RANDOM_PAIRS, _EM_PAIRS = 2e6, 3e5
_ASSUMED_RECALL = 0.9
_KEYED = f"""
with counts as (select key_hash, count(*) as records from keys group by key_hash),
usable as (
    select keys.* from keys join counts using (key_hash)
    where counts.records between 2 and {LIMIT_OF_KIND}
),
pivoted as (
    select record_key, {{columns}} from usable group by record_key
)
select people.record_key as {_ID}, people.* exclude (record_key), pivoted.* exclude (record_key)
from people left join pivoted using (record_key)
"""


@dataclass(frozen=True)
class SplinkRun:
    """What a run took and found.

    Attributes:
        train_seconds: learning the shares.
        predict_seconds: scoring the pairs.
        cluster_seconds: joining them.
        cpu_seconds: processor time of it all.
        peak_mb: most memory of it all; None where the system does not say.
        clusters: record_key and cluster_id.
    """

    train_seconds: float
    predict_seconds: float
    cluster_seconds: float
    cpu_seconds: float
    peak_mb: int | None
    clusters: pa.Table


def keyed(people: pa.Table) -> pa.Table:
    """The people with a column for each kind of key that at least two of them share."""
    keys = match_keys(people)
    kinds = sorted(set(keys["kind"].to_pylist()))
    columns = ", ".join(f"max(key_hash) filter (where kind = {k}) as key_{k}" for k in kinds)
    with open_memory() as memory:
        memory.register("people", people)
        memory.register("keys", keys)
        table = memory.sql(_KEYED.format(columns=columns)).to_arrow_table()
    unused = [name for name in key_columns(table) if table[name].null_count == table.num_rows]
    return table.drop_columns(unused)


def key_columns(table: pa.Table) -> list[str]:
    """The columns that records are blocked by."""
    return [name for name in table.column_names if name.startswith("key_")]


def rules(table: pa.Table) -> list[str]:
    """The blocking rules that Splink is given."""
    return [f"l.{name} = r.{name}" for name in key_columns(table)]


def link(table: pa.Table) -> SplinkRun:
    """Train, predict and cluster.

    Args:
        table: what `keyed` made.
    """
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    settings: dict[str, Any] = {
        "link_type": "dedupe_only",
        "comparisons": splink_comparisons(),
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": rule} for rule in rules(table)
        ],
        "unique_id_column_name": _ID,
    }
    with PeakMemory() as memory, open_memory() as connection:
        began, began_cpu = time.perf_counter(), time.process_time()
        connection.register("people", table)
        linker = Linker(DuckDBAPI(connection).register("people"), settings, log_level=logging.ERROR)
        training = linker.training
        training.estimate_probability_two_random_records_match(
            list(_SURE_RULES), recall=_ASSUMED_RECALL
        )
        training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=1)
        for rule in _EM_RULES:
            training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=_EM_PAIRS)
        trained = time.perf_counter()
        pairs = linker.inference.predict(threshold_match_weight=STANDARD.accept_weight)
        predicted = time.perf_counter()
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            pairs, threshold_match_weight=STANDARD.accept_weight
        )
        clustered, cpu_seconds = time.perf_counter(), time.process_time() - began_cpu
        found = clusters.as_pyarrow_table().select([_ID, "cluster_id"])
    return SplinkRun(
        train_seconds=trained - began,
        predict_seconds=predicted - trained,
        cluster_seconds=clustered - predicted,
        cpu_seconds=cpu_seconds,
        peak_mb=memory.peak_mb,
        clusters=found.rename_columns(["record_key", "cluster_id"]),
    )
