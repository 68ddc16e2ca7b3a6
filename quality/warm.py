"""Gates inside a transaction that is open: Great Expectations kept warm over a lent connection.

What is judged is what the transaction has written, before anybody else can see it. The connection
is the lender's: here nothing begins, commits, rolls back or closes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from quality.connection import be_quiet, make_context, speak_postgres
from quality.duckdb_dialect import ReadOnlyDialect

_DRIVERS = {"duckdb": "duckdb+lent:///:memory:", "postgres": "postgresql+lent://"}


class LentDuckDB(ReadOnlyDialect):
    """DuckDB over a connection that stays open."""

    supports_statement_cache = False

    def do_close(self, dbapi_connection: Any) -> None:
        """It is the lender's."""


class LentPostgres(PGDialect_psycopg):
    """PostgreSQL over a connection whose transaction goes on."""

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """It has begun."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """The lender commits."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """The lender rolls back."""

    def do_close(self, dbapi_connection: Any) -> None:
        """It is the lender's."""


class WarmGates:
    """One data source that is kept from one judgement to the next, of one thread.

    Args:
        dialect: `duckdb` or `postgres`.
    """

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._connection: Any = None
        self._datasource: Any = None

    @contextmanager
    def over(self, connection: Any) -> Iterator[Any]:
        """The data source over a connection of DuckDB's or psycopg's with a transaction open."""
        self._connection = connection
        try:
            if self._datasource is None:
                self._datasource = self._open()
            yield self._datasource
        finally:
            self._connection = None

    def _open(self) -> Any:
        be_quiet()
        # heavy: takes seconds to import
        from sqlalchemy.pool import NullPool

        registry.register("duckdb.lent", __name__, LentDuckDB.__name__)
        registry.register("postgresql.lent", __name__, LentPostgres.__name__)
        sources: Any = make_context().data_sources
        datasource = sources.add_sql(
            "warehouse",
            connection_string=_DRIVERS[self._dialect],
            create_temp_table=False,
            kwargs={"poolclass": NullPool, "creator": self._lent},
        )
        if self._dialect == "duckdb":
            speak_postgres(datasource)
        return datasource

    def _lent(self) -> Any:
        if self._dialect == "postgres":
            return self._connection
        from duckdb_engine import ConnectionWrapper

        return ConnectionWrapper(self._connection)
