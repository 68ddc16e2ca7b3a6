"""Judges suites with Great Expectations and fails closed.

Great Expectations itself passes on an empty suite, on an empty table and, row by row, on what it
could not evaluate. A pass here means: the suite that was asked for, every rule of it evaluated
without an exception, rows where rows are due, every blocking rule kept, and every row that breaks a
holding rule named, so that it can be held back.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from quality.broken_rows import broken_rows, references
from quality.connection import open_datasource
from quality.findings import findings
from quality.rules import Batch, Broken, Failure, HeldRow, Rule, Severity, Suite, SuiteResult
from quality.thresholds import MOST_REFERENCES
from quality.validate import Outcome, raised, validate


def run_suite(
    suite: Suite, connection_url: str, parameters: Mapping[str, float] | None = None
) -> SuiteResult:
    """Judge one suite; see `run_suites`."""
    return run_suites([suite], connection_url, parameters)[0]


def run_suites(
    suites: Sequence[Suite],
    connection_url: str,
    parameters: Mapping[str, float] | None = None,
    batches: Mapping[str, Batch] | None = None,
    settled: Mapping[str, Collection[tuple[str, str]]] | None = None,
) -> list[SuiteResult]:
    """Judge suites one after the other over one connection that is let go at the end.

    Args:
        suites: what to judge.
        connection_url: `duckdb:///FILE` or `postgresql://...`. DuckDB is opened read-only, so no
            other part of this process may hold the file open for writing.
        parameters: values of `$PARAMETER`, see `thresholds.volume_parameters`.
        batches: where to find what changed, by a suite's table; a table that is absent is judged
            whole. Rules that need all rows look at all of them all the same.
        settled: rows (key, fingerprint) that a person let pass, by a suite's table.

    Returns:
        One result a suite, in their order. Nothing is raised for data or connection trouble: a
        suite that could not be judged has not passed, and says why.
    """
    try:
        with open_datasource(connection_url) as datasource:
            return judge_suites(suites, datasource, parameters, batches, settled)
    except Exception as error:
        message = (
            f"The gate could not open the warehouse ({type(error).__name__}). "
            "Next step: see that it runs and that no other process holds it, then repeat the gate."
        )
        return [_unsound(suite, message) for suite in suites]


def judge_suites(
    suites: Sequence[Suite],
    datasource: Any,
    parameters: Mapping[str, float] | None = None,
    batches: Mapping[str, Batch] | None = None,
    settled: Mapping[str, Collection[tuple[str, str]]] | None = None,
) -> list[SuiteResult]:
    """As `run_suites`, over a data source that is open already."""
    values = dict(parameters or {})
    changes, passing = batches or {}, settled or {}
    return [
        _judge(suite, datasource, values, changes.get(suite.table), passing.get(suite.table, ()))
        for suite in suites
    ]


def _judge(
    suite: Suite,
    datasource: Any,
    values: Mapping[str, Any],
    batch: Batch | None,
    settled: Collection[tuple[str, str]],
) -> SuiteResult:
    """Run one suite and turn anything that is not a sound pass into a failure."""
    started = time.perf_counter()
    problem = _declared_wrong(suite)
    if problem:
        return _unsound(suite, problem)
    try:
        outcome = validate(suite, datasource, values, batch)
        broken = _broken(suite, outcome)
        limits = {number: _limit(suite, outcome, number, len(settled)) for number in broken}
        rows = broken_rows(suite, outcome, limits, datasource, values)
    except Exception as error:
        return _unsound(
            suite,
            f"The gate over {suite.table} could not run ({type(error).__name__}). Next step: "
            "see that the table exists and that every parameter of the suite is handed in.",
        )
    return _assess(suite, outcome, broken, rows, settled, time.perf_counter() - started)


def _declared_wrong(suite: Suite) -> str | None:
    if not suite.rules or suite.expected < 1 or len(suite.rules) != suite.expected:
        return (
            f"The suite declares {len(suite.rules)} rules but {suite.expected} are expected. "
            "Next step: restore the missing rules, or change `expected` on purpose."
        )
    if not suite.key and any(rule.severity is Severity.HOLDING for rule in suite.rules):
        return (
            "The suite holds rows but does not say what names one. "
            "Next step: give it the key of its table."
        )
    return None


def _broken(suite: Suite, outcome: Outcome) -> list[int]:
    """Rules whose broken rows can be named, by their place in the suite."""
    return [
        number
        for number, item in outcome.items.items()
        if not item.success and not raised(item) and _count(suite.rules[number], item)
    ]


def _limit(suite: Suite, outcome: Outcome, number: int, settled: int) -> int:
    """How many rows of a broken rule are worth naming."""
    if suite.severity_of(suite.rules[number]) is not Severity.HOLDING:
        return MOST_REFERENCES
    # One more than may be held, so that too many are seen to be too many.
    return suite.most_held(outcome.rows) + 1 + settled


def _assess(
    suite: Suite,
    outcome: Outcome,
    broken: Sequence[int],
    rows: Mapping[int, Broken],
    settled: Collection[tuple[str, str]],
    seconds: float,
) -> SuiteResult:
    """What the result says, once everything that makes it unsound is ruled out."""
    failures = tuple(
        _failure(suite, number, item, rows.get(number, Broken(())))
        for number, item in sorted(outcome.items.items())
        if not item.success or raised(item)
    )
    held = _held(suite, broken, rows, settled)
    problems = _problems(suite, outcome, held)
    problems += [
        f"The rows that break '{suite.rules[number].words}' could not be named."
        for number in broken
        if suite.severity_of(suite.rules[number]) is Severity.HOLDING and number not in rows
    ]
    stops = [
        failure
        for failure in failures
        if failure.severity is Severity.BLOCKING or suite.severity is Severity.WARNING
    ]
    return SuiteResult(
        suite=suite.name,
        passed=not problems and not stops,
        evaluated=_evaluated(outcome),
        expected=suite.expected,
        rows=outcome.rows,
        failures=failures,
        error=" ".join(problems) or None,
        table=suite.table,
        severity=suite.severity,
        seconds=round(seconds, 3),
        held=held,
        rows_judged=outcome.rows_judged,
        findings=findings(suite, outcome, rows),
    )


def _held(
    suite: Suite,
    broken: Sequence[int],
    rows: Mapping[int, Broken],
    settled: Collection[tuple[str, str]],
) -> tuple[HeldRow, ...]:
    """The rows to hold, each once, with the first rule that it breaks."""
    found: dict[str, HeldRow] = {}
    for number in sorted(broken):
        if suite.severity_of(suite.rules[number]) is Severity.HOLDING:
            for row in rows.get(number, Broken(())).rows:
                if (row.key, row.fingerprint) not in settled:
                    found.setdefault(row.key, row)
    return tuple(found.values())


def _problems(suite: Suite, outcome: Outcome, held: Sequence[HeldRow]) -> list[str]:
    """Everything that makes a pass impossible whatever the rules found."""
    problems = []
    if not outcome.is_suite:
        problems.append(f"Another suite than {suite.name} was judged.")
    evaluated = _evaluated(outcome)
    if evaluated != suite.expected:
        problems.append(
            f"Only {evaluated} of {suite.expected} rules could be evaluated. Next step: see "
            f"that {suite.table} has the columns named below."
        )
    if suite.rows_due and outcome.rows == 0:
        problems.append(
            f"{suite.table} is empty although rows are due. Next step: see whether its sources "
            "were landed and its model was built."
        )
    most = suite.most_held(outcome.rows)
    if len(held) > most:
        problems.append(
            f"More than {most} of {outcome.rows} rows would have to be held: the set as a whole is "
            "not to be trusted. Next step: mend the source of the rules broken below."
        )
    return problems


def _evaluated(outcome: Outcome) -> int:
    return sum(not raised(item) for item in outcome.items.values())


def _count(rule: Rule, item: Any) -> int | None:
    """Rows that break the rule; None for a rule on the whole table."""
    found = item.result
    count = found.get("unexpected_count")
    if count is None and rule.expectation == "UnexpectedRowsExpectation":
        count = found.get("observed_value")
    return None if count is None else int(count)


def _failure(suite: Suite, number: int, item: Any, broken: Broken) -> Failure:
    """One broken rule in counts; the text of an exception may hold values and is left out."""
    rule, severity = suite.rules[number], suite.severity_of(suite.rules[number])
    if raised(item):
        # What could not be evaluated says nothing of single rows.
        stops = Severity.WARNING if severity is Severity.WARNING else Severity.BLOCKING
        return Failure(rule.words, rule.column, observed="could not be evaluated", severity=stops)
    count = _count(rule, item)
    observed = item.result.get("observed_value") if count is None else None
    percent = item.result.get("unexpected_percent")
    return Failure(
        rule=rule.words,
        column=rule.column,
        unexpected_count=count,
        share=None if percent is None else round(float(percent) / 100, 6),
        observed=str(observed) if isinstance(observed, int | float) else None,
        severity=severity,
        references=references(broken.rows),
        customers=broken.customers,
    )


def _unsound(suite: Suite, message: str) -> SuiteResult:
    return SuiteResult(
        suite=suite.name,
        passed=False,
        evaluated=0,
        expected=suite.expected,
        rows=None,
        error=message,
        table=suite.table,
        severity=suite.severity,
    )
