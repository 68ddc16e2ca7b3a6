"""The peer of the model benchmark: the SQL that dbt sent, run by nothing but a plain connection."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration_assets.transform.runner import NodeResult

_CONFIG: dict[str, str | bool | int | float | list[str]] = {"enable_external_access": "false"}


@dataclass(frozen=True)
class Statement:
    """What dbt sent to make one model, in one transaction."""

    model: str
    schema: str
    sql: str


def sent_statements(home: Path, nodes: Iterable[NodeResult]) -> list[Statement]:
    """The statements of a build in the order in which its models were done.

    Args:
        home: folder that the build had; dbt keeps what it sent under `dbt/target/run`.
        nodes: the models that were built in it.
    """
    written = {path.stem: path for path in (home / "dbt" / "target" / "run").rglob("*.sql")}
    found = []
    for node in nodes:
        model = node.unique_id.rsplit(".", 1)[-1]
        # A view is made under another name and renamed; the text is the same.
        sql = written[model].read_text().replace(f'"{model}__dbt_tmp"', f'"{model}"')
        schema = sql.split(f'."{model}"', 1)[0].rsplit('"', 2)[-2]
        found.append(Statement(model, schema, sql))
    return found


def run_statements(path: Path, statements: Iterable[Statement]) -> None:
    """Open the database, run everything in order, close it."""
    with duckdb.connect(str(path), config=_CONFIG) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for statement in statements:
            connection.execute("begin transaction")
            connection.execute(f'create schema if not exists "{statement.schema}"')
            connection.execute(statement.sql)
            connection.execute("commit")


def core_checksums(path: Path) -> dict[str, tuple[int, int]]:
    """Rows and checksum over all columns of every table of the core."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        tables: dict[str, list[str]] = {}
        for table, column in connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'core' order by table_name, column_name"
        ).fetchall():
            tables.setdefault(table, []).append(f'"{column}"')
        checksums = {}
        for table, columns in tables.items():
            found = connection.execute(
                f"select count(*), coalesce(sum(hash({', '.join(columns)})), 0) from core.{table}"
            ).fetchone()
            assert found is not None
            checksums[table] = (int(found[0]), int(found[1]))
    return checksums
