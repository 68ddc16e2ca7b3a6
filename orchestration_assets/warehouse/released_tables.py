"""The released schema: which tables it holds, and making one of them equal to core's."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified

# Every released table with the columns that make a row of it unique.
RELEASED_TABLES: Mapping[str, tuple[str, ...]] = {
    "dim_customers": ("customer_id",),
    "dim_customer_identities": ("system", "record_id"),
    "dim_products": ("product_id",),
    "fct_orders": ("order_id",),
    "fct_order_lines": ("order_line_id",),
    "fct_consents": ("customer_id", "purpose", "channel"),
    "fct_interactions": ("interaction_id",),
}

_MOMENT = pa.timestamp("us", "UTC")
RELEASES = pa.schema(
    [
        ("release_number", pa.int64()),
        ("model_version", pa.string()),
        ("candidate_id", pa.string()),
        ("released_at", _MOMENT),
        ("table_rows", pa.string()),
    ]
)
VERDICTS = pa.schema(
    [
        ("release_number", pa.int64()),
        ("model_version", pa.string()),
        ("suite", pa.string()),
        ("passed", pa.bool_()),
        ("evaluated", pa.int64()),
        ("expected", pa.int64()),
        ("rows_judged", pa.int64()),
        ("decided_at", _MOMENT),
    ]
)


def ensure_released_tables(session: Session) -> None:
    """Create what the released schema lacks, empty and in core's shape, for views to read."""
    session.create_schema("released")
    session.create_table("released", "releases", RELEASES)
    session.create_table("released", "verdicts", VERDICTS)
    for table in RELEASED_TABLES:
        if session.table_exists("core", table) and not session.table_exists("released", table):
            _create_like_core(session, table)


def copy_table(session: Session, table: str, keys: Sequence[str]) -> tuple[int, int]:
    """Make the released table equal to core's, touching only rows that differ.

    Returns:
        Rows removed (vanished or replaced) and rows inserted (new or replaced).
    """
    if _shape(session, "released", table) != _shape(session, "core", table):
        cascade = " cascade" if session.dialect == "postgres" else ""
        session.execute(f"drop table {qualified('released', table)}{cascade}")
        _create_like_core(session, table)
    source, target = qualified("core", table), qualified("released", table)
    columns = ", ".join(identifier(name) for name in session.columns("core", table))
    key = ", ".join(identifier(name) for name in keys)
    same = " and ".join(f"r.{identifier(name)} = c.{identifier(name)}" for name in keys)
    # Names are checked identifiers; no value is part of the text.
    removed = session.execute(
        f"delete from {target} where ({key}) in (select {key} from "
        f"(select {columns} from {target} except select {columns} from {source}) as gone)"
    )
    inserted = session.execute(
        f"insert into {target} ({columns}) select {columns} from {source} as c "
        f"where not exists (select 1 from {target} as r where {same})"
    )
    return removed, inserted


def _create_like_core(session: Session, table: str) -> None:
    session.execute(
        f"create table {qualified('released', table)} as "
        f"select * from {qualified('core', table)} where false"
    )


def _shape(session: Session, schema: str, table: str) -> list[tuple[str, str]]:
    found = session.rows(
        "select column_name, data_type, numeric_precision, numeric_scale "
        "from information_schema.columns where table_schema = :schema and table_name = :name "
        "order by ordinal_position",
        {"schema": schema, "name": table},
    )
    return [(row["column_name"], str(list(row.values())[1:])) for row in found]


def count(session: Session, schema: str, table: str) -> int:
    """Rows of a table."""
    return int(session.scalar(f"select count(*) from {qualified(schema, table)}"))
