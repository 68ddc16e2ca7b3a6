"""The session over one PostgreSQL connection; bulk data goes in through COPY."""

from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg.rows import dict_row
from pyarrow import csv

from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse.session import Params, Session
from orchestration_assets.warehouse.sql import bind, identifier, qualified

_UTC = pa.timestamp("us", "UTC")
_ARROW = {
    "bool": pa.bool_(),
    "int2": pa.int32(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float64(),
    "float8": pa.float64(),
    "timestamptz": _UTC,
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "bytea": pa.binary(),
}
_DEFAULT_DECIMAL = (38, 9)
_COPY_CHARS = 1 << 20
# The views of the standard's information schema answer ten times as slowly.
_COLUMNS = """
select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^(pg_|information_schema)' and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and a.attnum > 0 and not a.attisdropped
order by c.oid, a.attnum
"""


class PostgresSession(Session):
    """A session over one PostgreSQL transaction."""

    dialect = "postgres"

    def __init__(self, connection: psycopg.Connection) -> None:
        super().__init__()
        self._connection = connection

    @property
    def lent(self) -> psycopg.Connection:
        """The driver's own connection."""
        return self._connection

    def execute(self, sql: str, params: Params | None = None) -> int:
        """Run one statement and return the number of rows it changed."""
        self._note_statement(sql)
        text, used = bind(sql, params, "%({})s", double_percent=True)
        cursor = self._connection.execute(text.encode(), used or None)
        command = (cursor.statusmessage or "").split(" ", 1)[0]
        return cursor.rowcount if command in ("INSERT", "UPDATE", "DELETE", "MERGE") else 0

    def rows(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Return all rows of a query as dicts by column name."""
        text, used = bind(sql, params, "%({})s", double_percent=True)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(text.encode(), used or None)
            return cursor.fetchall() if cursor.description else []

    def arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        """Return the result of a query as an Arrow table."""
        text, used = bind(sql, params, "%({})s", double_percent=True)
        with self._connection.cursor() as cursor:
            cursor.execute(text.encode(), used or None)
            described = cursor.description or []
            names = [column.name for column in described]
            columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(names)
            arrays = [
                _array(list(values), self._arrow_type(column))
                for values, column in zip(columns, described, strict=True)
            ]
        return pa.table(arrays, names=names)

    def _arrow_type(self, column: psycopg.Column) -> pa.DataType:
        info = self._connection.adapters.types.get(column.type_code)
        name = info.name if info else "text"
        if name == "numeric":
            precision, scale = column.precision, column.scale
            if precision is None or scale is None:
                precision, scale = _DEFAULT_DECIMAL
            return pa.decimal128(precision, scale)
        if info and column.type_code == info.array_oid:
            return pa.list_(_ARROW.get(name, pa.string()))
        return _ARROW.get(name, pa.string())

    def _insert(self, schema: str, table: str, data: pa.Table) -> None:
        names = ", ".join(identifier(name) for name in data.column_names)
        sink = pa.BufferOutputStream()
        options = csv.WriteOptions(include_header=False, quoting_style="needed")
        csv.write_csv(_plain(data), sink, options)
        text = memoryview(sink.getvalue())
        sql = f"copy {qualified(schema, table)} ({names}) from stdin (format csv)"
        with self._connection.cursor() as cursor, cursor.copy(sql.encode()) as copy:
            for start in range(0, len(text), _COPY_CHARS):
                copy.write(bytes(text[start : start + _COPY_CHARS]))

    def _read_catalogue(self) -> list[tuple[str, str, str, str]]:
        return self._connection.execute(_COLUMNS).fetchall()

    def _type_of(self, field: pa.Field) -> str:
        kind = field.type
        if pa.types.is_decimal(kind):
            return f"numeric({kind.precision},{kind.scale})"
        if pa.types.is_boolean(kind):
            return "boolean"
        if pa.types.is_int32(kind):
            return "integer"
        if pa.types.is_integer(kind):
            return "bigint"
        if pa.types.is_floating(kind):
            return "double precision"
        if pa.types.is_timestamp(kind):
            return "timestamptz" if kind.tz else "timestamp"
        if pa.types.is_date(kind):
            return "date"
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            return f"{self._type_of(kind.value_field)}[]"
        if _is_text(kind) or pa.types.is_null(kind):
            return "text"
        raise FatalError(
            f"Column {field.name!r} has the Arrow type {kind}, which has no PostgreSQL type here.",
            "cast it to text, a number, a boolean, a date or a timestamp before writing.",
        )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _plain(data: pa.Table) -> pa.Table:
    """Turn lists into PostgreSQL array literals and dictionaries into text, for CSV."""
    for position, field in enumerate(data.schema):
        if pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
            literals = [_array_literal(value) for value in data.column(position).to_pylist()]
            data = data.set_column(position, field.name, pa.array(literals, pa.string()))
        elif pa.types.is_dictionary(field.type):
            text = pc.cast(data.column(position), pa.string())
            data = data.set_column(position, field.name, text)
    return data


def _array_literal(values: list[Any] | None) -> str | None:
    if values is None:
        return None
    quoted = (
        "null"
        if value is None
        else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        for value in values
    )
    return "{" + ",".join(quoted) + "}"


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        try:
            return pa.array(values, kind)
        except pa.ArrowInvalid:
            return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in values], kind)
    return pa.array(values, kind)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        import orjson

        return orjson.dumps(value).decode()
    return format(value, "f") if isinstance(value, Decimal) else str(value)
