"""Judges suites with Great Expectations and fails closed.

Great Expectations itself passes on an empty suite, on an empty table and, row by row, on what it
could not evaluate. A pass here means: the suite that was asked for, every rule of it evaluated
without an exception, rows where rows are due, and every rule kept.
"""

import gc
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from quality.rules import Failure, Rule, Suite, SuiteResult

# Counts only: neither values nor keys of the rows that break a rule leave the warehouse.
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}


def run_suite(
    suite: Suite, connection_url: str, parameters: Mapping[str, int] | None = None
) -> SuiteResult:
    """Judge one suite; see `run_suites`."""
    return run_suites([suite], connection_url, parameters)[0]


def run_suites(
    suites: Sequence[Suite], connection_url: str, parameters: Mapping[str, int] | None = None
) -> list[SuiteResult]:
    """Judge suites one after the other over one connection that is let go at the end.

    Args:
        suites: what to judge.
        connection_url: `duckdb:///FILE` or `postgresql://...`. DuckDB is opened read-only, so no
            other part of this process may hold the file open for writing.
        parameters: values of `$PARAMETER`, see `thresholds.volume_parameters`.

    Returns:
        One result a suite, in their order. Nothing is raised for data or connection trouble: a
        suite that could not be judged has not passed, and says why.
    """
    values = dict(parameters or {})
    try:
        with _datasource(connection_url) as (context, datasource):
            return [_judge(suite, context, datasource, values) for suite in suites]
    except Exception as error:
        message = (
            f"The gate could not open the warehouse ({type(error).__name__}). "
            "Next step: see that it runs and that no other process holds it, then repeat the gate."
        )
        return [_unsound(suite, message) for suite in suites]


@contextmanager
def _datasource(connection_url: str) -> Iterator[tuple[Any, Any]]:
    """An ephemeral context and its one data source; engines are disposed of afterwards."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Before the import, which itself writes two hundred lines.
    for name in ("great_expectations", "great_expectations.expectations"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # heavy: takes seconds to import
    import great_expectations as gx
    import sqlalchemy.dialects.postgresql
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from sqlalchemy.pool import StaticPool

    from quality import duckdb_dialect

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    embedded = connection_url.startswith("duckdb")
    options: dict[str, Any] = {"poolclass": StaticPool}
    if embedded:
        duckdb_dialect.register()
        options["connect_args"] = {"read_only": True}
    sources: Any = context.data_sources
    datasource = (sources.add_sql if embedded else sources.add_postgres)(
        "warehouse",
        connection_string=_driver_url(connection_url, duckdb_dialect.DRIVER),
        create_temp_table=False,
        kwargs=options,
    )
    engine = datasource.get_execution_engine()
    if embedded:
        # DuckDB understands PostgreSQL's operators for patterns.
        engine.dialect_module = sqlalchemy.dialects.postgresql
    try:
        yield context, datasource
    finally:
        engine.close()
        datasource.get_engine().dispose()
        context.data_sources.delete("warehouse")
        del engine, datasource
        gc.collect()


def _driver_url(url: str, embedded_driver: str) -> str:
    scheme, separator, rest = url.partition("://")
    if scheme.startswith("duckdb"):
        return f"{embedded_driver}{separator}{rest}"
    return f"postgresql+psycopg{separator}{rest}" if scheme == "postgresql" else url


def _judge(suite: Suite, context: Any, datasource: Any, values: Mapping[str, Any]) -> SuiteResult:
    """Run one suite and turn anything that is not a sound pass into a failure."""
    started = time.perf_counter()
    if not suite.rules or suite.expected < 1 or len(suite.rules) != suite.expected:
        return _unsound(
            suite,
            f"The suite declares {len(suite.rules)} rules but {suite.expected} are expected. "
            "Next step: restore the missing rules, or change `expected` on purpose.",
        )
    try:
        outcome, rows = _validate(suite, context, datasource, values)
    except Exception as error:
        return _unsound(
            suite,
            f"The gate over {suite.table} could not run ({type(error).__name__}). Next step: "
            "see that the table exists and that every parameter of the suite is handed in.",
        )
    return _assess(suite, outcome, rows, time.perf_counter() - started)


def _validate(
    suite: Suite, context: Any, datasource: Any, values: Mapping[str, Any]
) -> tuple[Any, int]:
    """Great Expectations' own result and the number of rows of the table."""
    import great_expectations as gx

    catalogue: Any = import_module("great_expectations.expectations")
    schema, _, table = suite.table.partition(".")
    expectations = [
        getattr(catalogue, rule.expectation)(
            **rule.arguments, meta={"rule": number, "words": rule.words}
        )
        for number, rule in enumerate(suite.rules)
    ]
    counter = catalogue.ExpectTableRowCountToBeBetween(min_value=0, meta={"rule": -1})
    declared = gx.ExpectationSuite(name=suite.name, expectations=[*expectations, counter])
    asset = datasource.add_table_asset(suite.name, table_name=table, schema_name=schema)
    batch = asset.add_batch_definition_whole_table("whole table")
    validation = gx.ValidationDefinition(
        name=suite.name, data=batch, suite=context.suites.add(declared)
    )
    context.validation_definitions.add(validation)
    outcome = validation.run(expectation_parameters=dict(values), result_format=RESULT_FORMAT)
    counts = [item.result["observed_value"] for item in outcome.results if _number(item) == -1]
    return outcome, int(counts[0])


def _assess(suite: Suite, outcome: Any, rows: int, seconds: float) -> SuiteResult:
    """What the result says, once everything that makes it unsound is ruled out."""
    results = [item for item in outcome.results if _number(item) >= 0]
    failures = tuple(_failure(suite, item) for item in results if not item.success or _raised(item))
    evaluated = {_number(item) for item in results if not _raised(item)}
    problems = []
    if outcome.suite_name != suite.name:
        problems.append(f"Another suite than {suite.name} was judged.")
    if len(evaluated) != suite.expected:
        problems.append(
            f"Only {len(evaluated)} of {suite.expected} rules could be evaluated. Next step: see "
            f"that {suite.table} has the columns named below."
        )
    if suite.rows_due and rows == 0:
        problems.append(
            f"{suite.table} is empty although rows are due. Next step: see whether its sources "
            "were landed and its model was built."
        )
    return SuiteResult(
        suite=suite.name,
        passed=not problems and not failures and bool(outcome.success),
        evaluated=len(evaluated),
        expected=suite.expected,
        rows=rows,
        failures=failures,
        error=" ".join(problems) or None,
        table=suite.table,
        severity=suite.severity,
        seconds=round(seconds, 3),
    )


def _number(item: Any) -> int:
    """Which rule of the suite a result belongs to; -1 is the count of all rows."""
    return item.expectation_config.meta["rule"]


def _raised(item: Any) -> bool:
    """Whether evaluating the rule raised; the flag stands at one of two depths."""
    details = item.exception_info or {}
    if "raised_exception" in details:
        return bool(details["raised_exception"])
    return any(entry.get("raised_exception", True) for entry in details.values())


def _failure(suite: Suite, item: Any) -> Failure:
    """One broken rule in counts; the text of an exception may hold values and is left out."""
    rule: Rule = suite.rules[_number(item)]
    if _raised(item):
        return Failure(rule.words, rule.column, observed="could not be evaluated")
    found = item.result
    observed = found.get("observed_value")
    count = found.get("unexpected_count")
    if count is None and rule.expectation == "UnexpectedRowsExpectation":
        count, observed = observed, None
    percent = found.get("unexpected_percent")
    return Failure(
        rule=rule.words,
        column=rule.column,
        unexpected_count=None if count is None else int(count),
        share=None if percent is None else round(float(percent) / 100, 6),
        observed=str(observed) if isinstance(observed, int | float) else None,
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
