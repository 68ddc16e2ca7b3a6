"""What gates decided, bound to the exact version of the data that was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import verdicts
from orchestration_assets.state.store import StateStore


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement of one suite over one version of the data.

    Args:
        rows: rows of the table when it was judged; None when they were not counted.
        table: `<schema>.<table>` that was judged.
        failed_rules: broken rules in words, with counts; never a value of a row.
        rows_failed: rows that break a rule, the worst rule counted.
        held: rows that are held back alone while the rest pass.
        rows_judged: rows that the rules on single rows looked at.
    """

    suite: str
    model_version: str
    candidate_id: str
    passed: bool
    severity: str = "blocking"
    evaluated: int = 0
    expected: int = 0
    failed_rules: Sequence[str] = ()
    rows_failed: int = 0
    rows: int | None = None
    table: str = ""
    reason: str = ""
    details: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    held: int = 0
    rows_judged: int | None = None
    run_id: str | None = None
    decided_at: datetime | None = None


def record_verdicts(state: StateStore, judged: Sequence[Verdict]) -> None:
    """Append the verdicts; earlier ones stay as history, the newest one counts."""
    now = datetime.now(UTC)
    rows = [
        {
            "suite": item.suite,
            "model_version": item.model_version,
            "candidate_id": item.candidate_id,
            "passed": item.passed,
            "severity": item.severity,
            "evaluated": item.evaluated,
            "expected": item.expected,
            "failed_rules": list(item.failed_rules),
            "rows_failed": item.rows_failed,
            "details": {
                "rows": item.rows,
                "table": item.table,
                "reason": item.reason,
                "held": item.held,
                "rows_judged": item.rows_judged,
                "failures": [dict(entry) for entry in item.details],
            },
            "run_id": item.run_id,
            "decided_at": item.decided_at or now,
        }
        for item in judged
    ]
    if rows:
        with state.begin() as connection:
            connection.execute(sa.insert(verdicts), rows)


def newest_verdicts(
    state: StateStore, model_version: str, suites: Sequence[str] | None = None
) -> dict[str, Verdict]:
    """The newest verdict of each suite over exactly this version of the model, by suite."""
    query = sa.select(verdicts).where(verdicts.c.model_version == model_version)
    if suites is not None:
        query = query.where(verdicts.c.suite.in_(list(suites)))
    return {row["suite"]: _verdict(row) for row in state.rows(query.order_by(verdicts.c.id))}


def _verdict(row: Mapping[str, Any]) -> Verdict:
    details = row["details"]
    return Verdict(
        suite=row["suite"],
        model_version=row["model_version"],
        candidate_id=row["candidate_id"],
        passed=row["passed"],
        severity=row["severity"],
        evaluated=row["evaluated"],
        expected=row["expected"],
        failed_rules=tuple(row["failed_rules"]),
        rows_failed=row["rows_failed"],
        rows=details.get("rows"),
        table=details.get("table", ""),
        reason=details.get("reason", ""),
        details=tuple(details.get("failures", ())),
        held=details.get("held", 0),
        rows_judged=details.get("rows_judged"),
        run_id=row["run_id"],
        decided_at=row["decided_at"],
    )
