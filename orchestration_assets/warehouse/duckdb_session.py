"""DuckDB: opening the file safely, and the session over it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import structlog

from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.warehouse.session import Params, Session
from orchestration_assets.warehouse.sql import bind, qualified

_POLL_S = 0.02
# Files, URLs and extensions are out of reach of any SQL that runs here.
_CONFIG: dict[str, Any] = {"enable_external_access": "false", "allow_community_extensions": "false"}
_COLUMNS = """
select schema_name, table_name, column_name, data_type from duckdb_columns()
where database_name = current_database() and not internal
order by column_index
"""
_WAL_DAMAGE = "replaying WAL"
_BUSY = ("Could not set lock", "different configuration", "already attached", "being used by")


class DuckSession(Session):
    """A session over one DuckDB connection."""

    dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__()
        self._connection = connection

    @property
    def lent(self) -> duckdb.DuckDBPyConnection:
        """The driver's own connection."""
        return self._connection

    def _run(self, sql: str, params: Params | None) -> duckdb.DuckDBPyConnection:
        text, used = bind(sql, params, "${}")
        return self._connection.execute(text, used) if used else self._connection.execute(text)

    def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one statement and return the number of rows it changed."""
        self._note_statement(sql)
        result = self._run(sql, params)
        names = [column[0] for column in result.description or []]
        if names != ["Count"]:
            return 0
        row = result.fetchone()
        return int(row[0]) if row else 0

    def rows(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Return all rows of a query as dicts by column name."""
        result = self._run(sql, params)
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the result of a query as an Arrow table."""
        text, used = bind(sql, params, "${}")
        return self._connection.sql(text, params=used or None).to_arrow_table()

    def _insert(self, schema: str, table: str, data: pa.Table) -> None:
        self._connection.register("_incoming", data)
        try:
            self._connection.execute(
                f"insert into {qualified(schema, table)} by name select * from _incoming"
            )
        finally:
            self._connection.unregister("_incoming")

    def _read_catalogue(self) -> list[tuple[str, str, str, str]]:
        return self._connection.execute(_COLUMNS).fetchall()

    def _type_of(self, field: pa.Field) -> str:
        kind = field.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        for matches, name in _TYPES:
            if matches(kind):
                return name
        if pa.types.is_decimal(kind):
            return f"decimal({kind.precision},{kind.scale})"
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            return f"{self._type_of(kind.value_field)}[]"
        raise FatalError(
            f"Column {field.name!r} has the Arrow type {kind}, which has no DuckDB type here.",
            "cast it to text, a number, a boolean, a date or a timestamp before writing.",
        )


_TYPES: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind), "varchar"),
    (lambda kind: pa.types.is_string_view(kind) or pa.types.is_null(kind), "varchar"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int32, "integer"),
    (pa.types.is_integer, "bigint"),
    (pa.types.is_floating, "double"),
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz is not None, "timestamptz"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_date, "date"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "blob"),
)


def connect(path: Path, *, read_only: bool, deadline: float) -> duckdb.DuckDBPyConnection:
    """Open the file, waiting until `deadline` (monotonic seconds) while another process has it.

    Raises:
        RetriableError: the file was still held at the deadline.
        FatalError: the write-ahead log does not replay (`WalDamagedError`), or the file is broken.
    """
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only, config=_CONFIG)
        except duckdb.Error as error:
            message = str(error)
            if _WAL_DAMAGE in message:
                raise WalDamagedError(path) from error
            if read_only and "different configuration" in message:
                # This very process has the file open for writing; share its database.
                read_only = False
                continue
            if not any(sign in message for sign in _BUSY):
                raise FatalError(
                    f"DuckDB cannot open {path.name}: {message.splitlines()[0]}",
                    "check that the file is a DuckDB database and that the disk has room.",
                ) from error
            if time.monotonic() >= deadline:
                raise RetriableError(
                    f"The warehouse file {path.name} stayed in use: {message.splitlines()[0]}",
                    "close the program named above (a SQL shell?) or wait, then run it again.",
                ) from error
            time.sleep(_POLL_S)
            continue
        connection.execute("set TimeZone = 'UTC'")
        # A terminal would see it drawn across what the command prints.
        connection.execute("set enable_progress_bar = false")
        return connection


class WalDamagedError(FatalError):
    """The write-ahead log of the warehouse file does not replay."""

    def __init__(self, path: Path, kept_as: Path | None = None) -> None:
        where = f" It was put aside as {kept_as.name}." if kept_as else ""
        super().__init__(
            f"The write-ahead log of {path.name} is damaged and does not replay.{where}",
            "run the command again: the warehouse opens at its last checkpoint, and the next"
            " refresh reads from the cursors of that point. Compare counts with a full landing.",
        )


def quarantine_wal(path: Path) -> Path:
    """Move the write-ahead log aside under a dated name; the caller holds the writer lock."""
    wal = path.with_name(path.name + ".wal")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    kept_as = wal.with_name(f"{wal.name}.quarantined-{stamp}")
    wal.rename(kept_as)
    structlog.get_logger(__name__).error("warehouse_wal_quarantined", kept_as=kept_as.name)
    return kept_as
