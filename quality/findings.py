"""What Great Expectations found, as plain values to keep: counts, never a value of a row.

The pages of `quality.docs` are made of it later, so that a gate neither renders nor stores more
than this.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from quality.broken_rows import references
from quality.rules import Broken, Reach, Rule, Suite, SuiteResult
from quality.validate import Outcome, raised

# What Great Expectations calls the figures of a result. All else may hold values of rows: samples,
# lists of broken rows, texts of exceptions.
_FIGURES = (
    "element_count",
    "missing_count",
    "missing_percent",
    "observed_value",
    "unexpected_count",
    "unexpected_percent",
    "unexpected_percent_nonmissing",
    "unexpected_percent_total",
)
_OF_ONE_RUN = ("batch_id",)
_ALL = "all rows"
_OVER = {
    Reach.ROWS: "rows that changed",
    Reach.KEYS: "rows that share a key with a changed one",
    Reach.TABLE: _ALL,
}


def findings(
    suite: Suite, outcome: Outcome, rows: Mapping[int, Broken]
) -> tuple[Mapping[str, Any], ...]:
    """One entry a rule, in the suite's order.

    Args:
        suite: what was judged.
        outcome: what was found.
        rows: rows that break a rule, by the rule's place in the suite.
    """
    return tuple(
        {
            "rule": suite.rules[number].words,
            "severity": suite.severity_of(suite.rules[number]).value,
            "over": _over(suite, suite.rules[number], outcome.tables[number]),
            "type": item.expectation_config.type,
            "kwargs": _plain(item.expectation_config.kwargs),
            "success": bool(item.success),
            "raised": raised(item),
            "result": {
                name: _number(value)
                for name in _FIGURES
                if isinstance(value := item.result.get(name), int | float)
            },
            "references": references(rows[number].rows) if number in rows else (),
        }
        for number, item in sorted(outcome.items.items())
    )


def document(result: SuiteResult, judged_at: datetime, run_id: str) -> dict[str, Any]:
    """The judgement over one suite as one JSON object."""
    return {
        "suite": result.suite,
        "table": result.table,
        "judged_at": judged_at.isoformat(),
        "run_id": run_id,
        "passed": result.passed,
        "reason": result.reason,
        "rows": result.rows,
        "rows_judged": result.rows_judged,
        # Of a set that is stopped as a whole none is held alone.
        "rows_held": len(result.held) if result.passed else 0,
        "rules": list(result.findings),
    }


def _number(value: float) -> float:
    """A plain number, where a database or numpy hands in a kind of its own."""
    return int(value) if isinstance(value, int) else float(value)


def _over(suite: Suite, rule: Rule, table: str) -> str:
    return _ALL if table == suite.table else _OVER[rule.reach]


def _plain(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, list | tuple | set) else value
        for name, value in kwargs.items()
        if name not in _OF_ONE_RUN
    }
