"""One suite through Great Expectations: every rule once, over the table that its reach asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from quality.rules import Batch, Reach, Rule, Suite

# Counts only: neither values nor keys of the rows that break a rule leave the warehouse.
_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
# A rule that tolerates no row is broken or has nothing to count; asking only that costs a third.
_KEPT_OR_NOT = {"result_format": "BOOLEAN_ONLY"}
_WHOLE = "whole table"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Great Expectations found.

    Args:
        items: its result for each rule, by the rule's place in the suite.
        tables: table that each of these rules was judged over.
        rows: rows of the suite's own table.
        rows_judged: rows that the rules on single rows looked at.
        is_suite: whether every run judged the expectations that it was asked to.
    """

    items: Mapping[int, Any]
    tables: Mapping[int, str]
    rows: int
    rows_judged: int
    is_suite: bool


def validate(
    suite: Suite, datasource: Any, values: Mapping[str, Any], batch: Batch | None
) -> Outcome:
    """Run the suite, as few validation runs as there are tables to look at.

    Args:
        suite: what to judge.
        datasource: its data source.
        values: values of `$PARAMETER`.
        batch: where to find what changed; None judges all rows.
    """
    if batch:
        _copy(datasource, batch)
    tables = {number: _table_of(suite, rule, batch) for number, rule in enumerate(suite.rules)}
    changed = batch.changed if batch else suite.table
    rows = {name: _rows(datasource, name) for name in dict.fromkeys((suite.table, changed))}
    items: dict[int, Any] = {}
    runs: list[tuple[str, Any]] = []
    for table in dict.fromkeys(tables.values()):
        numbers = [number for number, of in tables.items() if of == table]
        strict = [number for number in numbers if suite.rules[number].reach is not Reach.TABLE]
        kept = run(suite, table, strict, datasource, values, _KEPT_OR_NOT) if strict else None
        for item in kept.results if kept else ():
            if item.success and not raised(item):
                # None of the rows breaks it.
                item.result |= {"element_count": rows.get(table), "unexpected_count": 0}
                items[number_of(item)] = item
        counted = [number for number in numbers if number not in items]
        found = run(suite, table, counted, datasource, values, _COUNTS) if counted else None
        items |= {number_of(item): item for item in found.results} if found else {}
        runs += [(table, outcome) for outcome in (kept, found) if outcome]
    return Outcome(
        items=items,
        tables=tables,
        rows=rows[suite.table],
        rows_judged=rows[changed],
        is_suite=all(outcome.suite_name == _name(suite, table) for table, outcome in runs),
    )


def run(
    suite: Suite,
    table: str,
    numbers: Sequence[int],
    datasource: Any,
    values: Mapping[str, Any],
    result_format: Mapping[str, Any],
    purpose: str = "",
) -> Any:
    """One validation run of some rules of the suite over one table."""
    import great_expectations as gx

    catalogue: Any = import_module("great_expectations.expectations")
    expectations = [
        getattr(catalogue, suite.rules[number].expectation)(
            **suite.rules[number].arguments,
            meta={"rule": number, "words": suite.rules[number].words},
        )
        for number in numbers
    ]
    name = _name(suite, table, purpose)
    schema, _, bare = table.rpartition(".")
    declared = gx.ExpectationSuite(name=name, expectations=expectations)
    batch = _definition(datasource, name, schema, bare).get_batch()
    # Its stores are left out: what was found is kept in ours, and they cost a fifth of the run.
    return batch.validate(
        declared, result_format=dict(result_format), expectation_parameters=dict(values)
    )


def number_of(item: Any) -> int:
    """Which rule of the suite a result belongs to."""
    return item.expectation_config.meta["rule"]


def raised(item: Any) -> bool:
    """Whether evaluating the rule raised; the flag stands at one of two depths."""
    details = item.exception_info or {}
    if "raised_exception" in details:
        return bool(details["raised_exception"])
    return any(entry.get("raised_exception", True) for entry in details.values())


def _copy(datasource: Any, batch: Batch) -> None:
    """Make the tables of what changed; suites over one table share them."""
    # Before it judges, Great Expectations asks another connection whether the table is there.
    for engine, rows in (
        (datasource.get_execution_engine().engine, ""),
        (datasource.get_engine(), " limit 0"),
    ):
        with engine.connect() as connection:
            for name, query in batch.copies.items():
                connection.exec_driver_sql(
                    f'create temp table if not exists "{name}" as select * from ({query}) r{rows}'
                )
            connection.commit()


def _definition(datasource: Any, name: str, schema: str, table: str) -> Any:
    """The whole of a table, as this data source knows it already or gets to know it now."""
    known = next((asset for asset in datasource.assets if asset.name == name), None)
    if known is not None:
        return known.get_batch_definition(_WHOLE)
    asset = datasource.add_table_asset(name, table_name=table, schema_name=schema or None)
    return asset.add_batch_definition_whole_table(_WHOLE)


def _table_of(suite: Suite, rule: Rule, batch: Batch | None) -> str:
    if batch is None or rule.reach is Reach.TABLE:
        return suite.table
    if rule.reach is Reach.KEYS:
        return batch.keys.get(rule.columns, suite.table)
    return batch.changed


def _name(suite: Suite, table: str, purpose: str = "") -> str:
    return " ".join(filter(None, (suite.name, "over", table, purpose)))


def _rows(datasource: Any, table: str) -> int:
    schema, _, bare = table.rpartition(".")
    source = sa.table(bare, schema=schema or None)
    with datasource.get_execution_engine().engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(source)).scalar_one()
