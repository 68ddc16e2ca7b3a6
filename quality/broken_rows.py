"""Which rows break a rule: found by the very query that Great Expectations counted them with."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from quality.rules import Broken, HeldRow, Reach, Rule, Severity, Suite
from quality.thresholds import MOST_REFERENCES
from quality.validate import Outcome, number_of, run

_SQL = "UnexpectedRowsExpectation"


def broken_rows(
    suite: Suite,
    outcome: Outcome,
    limits: Mapping[int, int],
    datasource: Any,
    values: Mapping[str, Any],
) -> dict[int, Broken]:
    """Rows that break rules, by the rule's place in the suite; none where the suite names no key.

    Args:
        suite: what was judged.
        outcome: what was found.
        limits: how many rows to name at most, by the rule's place.
        datasource: its data source.
        values: values of `$PARAMETER`.

    Raises:
        SQLAlchemyError: rows that have to be held could not be named.
    """
    if not suite.key or not limits:
        return {}
    found = {}
    for number, query in _queries(suite, outcome, list(limits), datasource, values).items():
        rule = suite.rules[number]
        # A table of shared keys has no other columns.
        table = suite.table if rule.reach is Reach.KEYS else outcome.tables[number]
        try:
            found[number] = _read(suite, rule, table, query, limits[number], datasource)
        except SQLAlchemyError:
            # Names only help to find the cause, unless the rows are to be held.
            if suite.severity_of(rule) is Severity.HOLDING:
                raise
    return found


def references(rows: Sequence[HeldRow]) -> tuple[str, ...]:
    """The first rows, named as at their source."""
    return tuple(row.source for row in rows[:MOST_REFERENCES])


def _queries(
    suite: Suite,
    outcome: Outcome,
    numbers: Sequence[int],
    datasource: Any,
    values: Mapping[str, Any],
) -> dict[int, str]:
    """The query of the broken rows of each rule that has one."""
    found: dict[int, str] = {}
    by_table: dict[str, list[int]] = {}
    for number in numbers:
        rule, table = suite.rules[number], outcome.tables[number]
        if rule.expectation == _SQL:
            found[number] = rule.arguments["unexpected_rows_query"].format(batch=table)
        elif rule.reach is Reach.KEYS:
            found[number] = _repeated(suite, rule)
        else:
            by_table.setdefault(table, []).append(number)
    # The query is asked for, not the rows: of a broken source they may be millions.
    wanted = {
        "result_format": "SUMMARY",
        "partial_unexpected_count": 1,
        "exclude_unexpected_values": True,
        "unexpected_index_column_names": list(suite.key),
        "return_unexpected_index_query": True,
    }
    for table, of_table in by_table.items():
        named = run(suite, table, of_table, datasource, values, wanted, "to name broken rows")
        for item in named.results:
            query = item.result.get("unexpected_index_query")
            if query:
                found[number_of(item)] = query
    return found


def _repeated(suite: Suite, rule: Rule) -> str:
    """Rows whose values stand in another row too: Great Expectations gives no such query."""
    columns = ", ".join(f'"{name}"' for name in rule.columns)
    key = ", ".join(f'"{name}"' for name in suite.key)
    return (
        f"select {key} from {suite.table} where ({columns}) in"
        f" (select {columns} from {suite.table} group by {columns} having count(*) > 1)"
    )


def _read(suite: Suite, rule: Rule, table: str, query: str, limit: int, datasource: Any) -> Broken:
    key = ", ".join(f't."{name}"' for name in suite.key)
    inner = ", ".join(f'"{name}"' for name in suite.key)
    named = f"concat_ws('|', {', '.join(f'cast({one} as text)' for one in key.split(', '))})"
    exempt = f" and not coalesce(t.{suite.exempt}, false)" if suite.exempt else ""
    broken = f"({key}) in (select {inner} from ({query.strip().rstrip(';')}) broken){exempt}"
    text = (
        f"select {named}, {suite.source or named}, md5(cast(t as text)) from {table} t"
        f" where {broken} order by {key} limit {limit}"
    )
    customers = f"select count(distinct t.{suite.customer}) from {table} t where {broken}"
    with datasource.get_execution_engine().engine.connect() as connection:
        rows = connection.exec_driver_sql(text).all()
        count = connection.exec_driver_sql(customers).scalar() if suite.customer else None
    found = tuple(HeldRow(str(row[0]), str(row[1]), str(row[2]), rule.words) for row in rows)
    return Broken(found, count)
