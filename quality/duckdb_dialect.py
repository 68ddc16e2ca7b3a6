"""A SQLAlchemy dialect through which Great Expectations can read DuckDB.

As shipped, Great Expectations reads a cursor after giving its connection back, and the roll-back
of duckdb-engine discards the result by then. A gate only reads, so transactions are left out.
Reflection of duckdb-engine asks for catalog tables that DuckDB lacks; the columns are read from
`information_schema` instead.
"""

from typing import Any

import sqlalchemy as sa
from duckdb_engine import Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.exc import DBAPIError, NoSuchTableError

DRIVER = "duckdb+readonly"


class ReadOnlyDialect(Dialect):
    """duckdb-engine without transactions."""

    supports_statement_cache = False

    def do_begin(self, connection: Any) -> None:
        """Nothing to begin: a gate only reads."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing to commit."""

    def do_rollback(self, connection: Any) -> None:
        """Nothing to roll back; a real roll-back would discard results not yet fetched."""

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:
        """No primary keys: the warehouse declares none."""
        return {"constrained_columns": [], "name": None}

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> Any:
        """Names and nullability in table order; types are left to the engine."""
        # Of the views of the standard this takes a twentieth of the time.
        query = sa.text('select name, not "notnull" from pragma_table_info(:name) order by cid')
        try:
            rows = connection.execute(query, {"name": _quoted(schema, str(table_name))}).all()
        except DBAPIError:
            raise NoSuchTableError(f"{schema}.{table_name}") from None
        return [
            {"name": name, "type": sa.types.NullType(), "nullable": bool(null), "default": None}
            for name, null in rows
        ]


def _quoted(schema: str | None, table: str) -> str:
    parts = [part.replace('"', '""') for part in (schema, table) if part]
    return ".".join(f'"{part}"' for part in parts)


def register() -> None:
    """Make `duckdb+readonly://` a known driver; repeating it is harmless."""
    registry.register("duckdb.readonly", __name__, "ReadOnlyDialect")
