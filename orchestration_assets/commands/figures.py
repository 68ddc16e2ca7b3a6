"""The figures of one recorded run, read back from Dagster's own event log."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

STAGES = {
    "raw__": "landing",
    "open_scope": "staging",
    "build_staging": "staging",
    "identity__": "identity",
    "build_core": "core",
    "gate_core": "gates",
    "gate_payloads": "gates",
    "release": "release",
    "build_journeys": "journeys",
    "activation__decisions": "decisions",
    "activation__": "delivery",
}
ROW_COUNTS = ("rows_read", "rows_landed", "rows_deleted", "rows_unchanged", "rows_quarantined")
SENT_COUNTS = ("planned", "confirmed", "rejected", "unknown")


def stage_of(step: str) -> str:
    """The stage of the path that a step belongs to."""
    return next((stage for prefix, stage in STAGES.items() if step.startswith(prefix)), "other")


def _materializations(
    instance: dg.DagsterInstance, run_id: str
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    for record in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        event = record.get_dagster_event().step_materialization_data.materialization
        yield (
            tuple(event.asset_key.path),
            {name: value.value for name, value in event.metadata.items()},
        )


def _rows(found: list[tuple[tuple[str, ...], dict[str, Any]]]) -> dict[str, Any]:
    totals: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    systems: dict[str, dict[str, int]] = {}
    for path, metadata in found:
        if path[0] != "raw":
            continue
        counts = {name.removeprefix("rows_"): int(metadata.get(name, 0)) for name in ROW_COUNTS}
        totals.update(counts)
        reasons.update(metadata.get("quarantined_by_reason", {}))
        systems["/".join(path[1:])] = counts
    return {**totals, "quarantined_by_reason": dict(reasons), "streams": systems}


def _checks(instance: dg.DagsterInstance, run_id: str) -> dict[str, dict[str, Any]]:
    gates: dict[str, Any] = {"passed": 0, "failed": 0, "failures": []}
    checks: dict[str, Any] = {"passed": 0, "failed": 0, "failures": []}
    for record in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        evaluation = record.get_dagster_event().asset_check_evaluation_data
        group = gates if "suite" in evaluation.metadata else checks
        group["passed" if evaluation.passed else "failed"] += 1
        if not evaluation.passed:
            group["failures"].append(
                f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}"
            )
    return {"gates": gates, "checks": checks}


def _sent(found: list[tuple[tuple[str, ...], dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    sent: dict[str, dict[str, Any]] = {}
    for path, metadata in found:
        if path[0] == "activation" and len(path) == 3:  # activation/<system>/<object>
            counts = sent.setdefault(path[1], dict.fromkeys(SENT_COUNTS, 0))
            for name in SENT_COUNTS:
                counts[name] += int(metadata.get(name, 0))
            counts["reasons"] = {**counts.get("reasons", {}), **metadata.get("reasons", {})}
    return sent


def _seconds(instance: dg.DagsterInstance, run_id: str) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for step in instance.get_run_step_stats(run_id):
        if step.start_time and step.end_time:
            stage = stage_of(step.step_key)
            seconds[stage] = seconds.get(stage, 0.0) + step.end_time - step.start_time
    return {stage: round(value, 2) for stage, value in seconds.items()}


def figures_of(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """Rows, gates, rows sent and seconds a stage of one run, as plain values."""
    found = list(_materializations(instance, run_id))
    return {
        "rows": _rows(found),
        **_checks(instance, run_id),
        "sent": _sent(found),
        "seconds": _seconds(instance, run_id),
    }
