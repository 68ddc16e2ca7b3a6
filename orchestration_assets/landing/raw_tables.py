"""Raw tables and landing's own tables: made when missing, widened when a contract grows."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from orchestration_assets.landing.contract import (
    LOAD_ID,
    UTC_MICROSECONDS,
    arrow_schema,
    raw_schema,
)
from orchestration_assets.model import Stream
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.readings import READINGS, create_readings_table
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified

LANDING = "landing"
LOADS = pa.schema(
    [
        pa.field("load_id", pa.string()),
        pa.field("system", pa.string()),
        pa.field("stream", pa.string()),
        pa.field("rows", pa.int64()),
        pa.field("watermark", UTC_MICROSECONDS),
        pa.field("loaded_at", UTC_MICROSECONDS),
        pa.field("reading_id", pa.string()),
    ]
)
CURSORS = pa.schema(
    [
        pa.field("system", pa.string()),
        pa.field("stream", pa.string()),
        pa.field("cursor", pa.string()),
        pa.field("updated_at", UTC_MICROSECONDS),
    ]
)
# On PostgreSQL: what the comparison with landed versions, and the check after a crash, look up.
_INDEXED = ("_record_id", LOAD_ID)


def ensure_raw_tables(streams: Iterable[Stream], warehouse: Warehouse, home: Path) -> None:
    """Make the raw table of every stream and landing's own tables, empty, where they are missing.

    Args:
        streams: of any systems.
        warehouse: where.
        home: folder of the embedded stores; made when missing.
    """
    home.mkdir(parents=True, exist_ok=True)
    wanted = list(streams)
    with warehouse.reader() as session:
        if tables_are_ready(wanted, session):
            return
    with warehouse.writer("prepare raw tables") as session:
        session.create_table(LANDING, "loads", LOADS)
        session.create_table(LANDING, "cursors", CURSORS)
        create_readings_table(session)
        for stream in wanted:
            schema = raw_schema(stream)
            session.create_table(schema, stream.name, _table_schema(stream))
            if session.dialect == "postgres":
                _index(session, schema, stream.name)


def tables_are_ready(streams: Iterable[Stream], session: Session) -> bool:
    """Tell whether nothing is left to make for these streams."""
    own = [("loads", LOADS), ("cursors", CURSORS), ("readings", READINGS)]
    wanted = [(LANDING, name, columns) for name, columns in own]
    wanted += [(raw_schema(one), one.name, _table_schema(one)) for one in streams]
    return all(
        set(columns.names) <= set(session.columns(schema, name)) for schema, name, columns in wanted
    )


def _table_schema(stream: Stream) -> pa.Schema:
    return arrow_schema(stream).append(pa.field(LOAD_ID, pa.string()))


def _index(session: Session, schema: str, table: str) -> None:
    for column in _INDEXED:
        name = identifier(f"ix_{table}{column}"[:63])
        session.execute(
            f"create index if not exists {name} on {qualified(schema, table)}"
            f" ({identifier(column)})"
        )
