"""Which columns a query reads for each of its own: one model's SQL, parsed by sqlglot.

A column gives its value, or it decides which value is taken: it stands in the condition of a
`case` between columns, in a filter, in the partition or order of a window, or in the `where` under
which a constant is stated. A `case` between constants turns its condition into another form, so
what it asks for is a value. Joins, and `where` over columns, choose rows and are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Tables = Mapping[str, Mapping[str, Sequence[str]]]
"""Columns by schema and table."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a column is made of, as `schema.table.column`.

    Attributes:
        values: columns whose values it takes; empty for a constant or a count.
        deciding: columns that choose between values, or say when a constant holds.
        untraced: names that no table could be found for.
    """

    values: tuple[str, ...] = ()
    deciding: tuple[str, ...] = ()
    untraced: tuple[str, ...] = ()


def origins(sql: str, dialect: str, tables: Tables) -> dict[str, Origin]:
    """Where each column of a query comes from, by its name.

    Args:
        sql: a compiled model; database names in it are left out.
        dialect: `duckdb` or `postgres`.
        tables: columns of what it reads, so that `select *` is known.
    """
    import sqlglot

    tree = sqlglot.parse_one(sql, dialect=dialect)
    everything = _read(_with_stated_conditions(_without_database(tree)), dialect, tables)
    values = _read(_without_conditions(_without_database(tree)), dialect, tables)
    return {
        name: Origin(
            values=tuple(sorted(values[name][0])),
            deciding=tuple(sorted(found - values[name][0])),
            untraced=tuple(sorted(untraced)),
        )
        for name, (found, untraced) in everything.items()
    }


def _without_database(tree: Any) -> Any:
    from sqlglot import exp

    copy = tree.copy()
    for table in copy.find_all(exp.Table):
        table.set("catalog", None)
    return copy


def _without_conditions(tree: Any) -> Any:
    """The query with nothing left that only decides between values."""
    from sqlglot import exp

    for window in list(tree.find_all(exp.Window)):
        if window.this.find(exp.Column):
            window.set("partition_by", None)
            window.set("order", None)
    for filtered in list(tree.find_all(exp.Filter)):
        if filtered.this.find(exp.Column):
            filtered.replace(filtered.this)
    for case in list(tree.find_all(exp.Case)):
        results = [*(branch.args["true"] for branch in case.args["ifs"]), case.args.get("default")]
        if any(result is not None and result.find(exp.Column) for result in results):
            case.set("this", None)
            for branch in case.args["ifs"]:
                branch.set("this", exp.true())
    return tree


def _with_stated_conditions(tree: Any) -> Any:
    """The query with each constant under a `where` written as a `case` of that condition."""
    from sqlglot import exp

    for select in list(tree.find_all(exp.Select)):
        where = select.args.get("where")
        if where is None or where.find(exp.Query) or not where.find(exp.Column):
            continue
        for projection in select.expressions:
            stated = projection.this if isinstance(projection, exp.Alias) else None
            if isinstance(stated, exp.Literal):
                condition = exp.Case().when(where.this.copy(), stated.copy())
                projection.set("this", condition)
    return tree


def _read(tree: Any, dialect: str, tables: Tables) -> dict[str, tuple[set[str], set[str]]]:
    """Columns of tables that each column of the query reads, and names that were not found."""
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    typed: dict[str, object] = {
        schema: {table: dict.fromkeys(columns, "text") for table, columns in named.items()}
        for schema, named in tables.items()
    }
    query = qualify(
        tree, schema=typed, dialect=dialect, validate_qualify_columns=False, identify=False
    )
    scope = build_scope(query)
    found = {}
    for name in query.named_selects:
        root = lineage(name, query, scope=scope, schema=typed, dialect=dialect, trim_selects=False)
        found[name] = _leaves(root)
    return found


def _leaves(root: Any) -> tuple[set[str], set[str]]:
    from sqlglot import exp

    columns: set[str] = set()
    untraced: set[str] = set()
    for node in root.walk():
        if node.downstream:
            continue
        name = node.name.rpartition(".")[2]
        if isinstance(node.expression, exp.Table) and name != "*":
            columns.add(f"{node.expression.db}.{node.expression.name}.{name}")
        elif isinstance(node.expression, exp.Table) or node.expression.find(exp.Column):
            untraced.add(node.name)
    return columns, untraced
