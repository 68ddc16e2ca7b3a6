"""What a caller sees of an open connection: one transaction, the same words on both engines."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from orchestration_assets.warehouse.sql import identifier, qualified

Params = Mapping[str, Any]
_RESHAPES = re.compile(r"\s*(drop|alter|create(?!\s+temp))\b", re.IGNORECASE)
# Only temporary tables are named without their schema.
_DROPS_TEMPORARY = re.compile(r"\s*drop\s+table\s+(if\s+exists\s+)?\w+\s*$", re.IGNORECASE)


class Session(ABC):
    """An open connection inside one transaction. Valid only within its `with` block.

    Parameters are named and bound (`where id = :id`), never formatted into the text. A list needs
    its type on PostgreSQL: `where id in (select unnest(:ids::text[]))` works on both engines.
    """

    dialect: str

    def __init__(self) -> None:
        # A catalogue answers for all tables as fast as for one, and whoever holds the writer lock
        # is the only one who changes it.
        self._catalogue: dict[str, dict[str, dict[str, str]]] | None = None

    @property
    @abstractmethod
    def lent(self) -> Any:
        """The driver's own connection, for a library that reads in this very transaction."""

    @abstractmethod
    def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one statement and return the number of rows it changed (0 where none is known)."""

    @abstractmethod
    def rows(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Return all rows of a query as dicts by column name."""

    @abstractmethod
    def arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the result of a query as an Arrow table; timestamps are UTC, microseconds."""

    @abstractmethod
    def _insert(self, schema: str, table: str, data: pa.Table) -> None: ...

    @abstractmethod
    def _type_of(self, field: pa.Field) -> str: ...

    @abstractmethod
    def _read_catalogue(self) -> Iterable[tuple[str, str, str, str]]:
        """Schema, table, column and SQL type of every column, in the order of the columns."""

    def _note_statement(self, sql: str) -> None:
        """Forget what is known of the tables when a statement changes one."""
        if _RESHAPES.match(sql) and not _DROPS_TEMPORARY.match(sql):
            self._catalogue = None

    def types(self, schema: str, table: str) -> Mapping[str, str]:
        """Return the SQL type of each column of a table or view, by name and in order."""
        if self._catalogue is None:
            self._catalogue = {}
            for where, name, column, kind in self._read_catalogue():
                tables = self._catalogue.setdefault(where, {})
                tables.setdefault(name, {})[column] = kind
        return self._catalogue.get(schema, {}).get(table, {})

    def columns(self, schema: str, table: str) -> list[str]:
        """Return the column names of a table or view, in order; empty when it does not exist."""
        return list(self.types(schema, table))

    def scalar(self, sql: str, params: Params | None = None) -> Any:
        """Return the first column of the first row, or None."""
        found = self.rows(sql, params)
        return next(iter(found[0].values())) if found else None

    def count(self, schema: str, table: str) -> int:
        """Return the number of rows of a table; 0 when it does not exist."""
        if not self.table_exists(schema, table):
            return 0
        return int(self.scalar(f"select count(*) from {qualified(schema, table)}"))

    def table_exists(self, schema: str, table: str) -> bool:
        """Tell whether a table or view of this name exists."""
        return bool(self.columns(schema, table))

    def create_schema(self, schema: str) -> None:
        """Create the schema when it is missing."""
        self.execute(f"create schema if not exists {identifier(schema)}")

    def create_table(self, schema: str, table: str, columns: pa.Schema) -> None:
        """Create the table with these columns when missing, or add the columns it lacks."""
        existing = self.columns(schema, table)
        if not existing:
            self.create_schema(schema)
            body = ", ".join(f"{identifier(f.name)} {self._type_of(f)}" for f in columns)
            self.execute(f"create table {qualified(schema, table)} ({body})")
            return
        for column in columns:
            if column.name not in existing:
                self.execute(
                    f"alter table {qualified(schema, table)}"
                    f" add column {identifier(column.name)} {self._type_of(column)}"
                )

    def append(self, schema: str, table: str, data: pa.Table) -> int:
        """Add rows in bulk by column name, creating the table when missing; return their number.

        Columns of the table that the data lacks become null; a column that the table lacks is an
        error of the engine.
        """
        if not self.table_exists(schema, table):
            self.create_table(schema, table, data.schema)
        if data.num_rows:
            self._insert(schema, table, data)
        return data.num_rows

    def replace(self, schema: str, table: str, data: pa.Table) -> int:
        """Make the table hold exactly these rows; return their number.

        The table itself stays, so that views over it stay valid; columns it lacks are added.
        """
        self.create_table(schema, table, data.schema)
        self.execute(f"delete from {qualified(schema, table)}")
        return self.append(schema, table, data)
