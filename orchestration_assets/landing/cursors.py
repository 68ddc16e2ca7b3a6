"""Where each stream's reading stands, and which loads are complete."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from orchestration_assets.landing.raw_tables import CURSORS, LANDING, LOADS
from orchestration_assets.model import Stream
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.session import Session


@dataclass(frozen=True, slots=True)
class Load:
    """One completed dlt load of one stream."""

    load_id: str
    rows: int
    watermark: datetime | None


def read_cursor(warehouse: Warehouse, stream: Stream) -> str | None:
    """Return the cursor after the last durable page; None before the first landing."""
    with warehouse.reader() as session:
        return cursor_in(session, stream)


def cursor_in(session: Session, stream: Stream) -> str | None:
    """Return the cursor as `read_cursor` does, over a session that is open."""
    if not session.table_exists(LANDING, "cursors"):
        return None
    return session.scalar(
        "select cursor from landing.cursors where system = :system and stream = :stream",
        {"system": stream.system, "stream": stream.name},
    )


def forget_cursor(warehouse: Warehouse, stream: Stream) -> None:
    """Make the next landing of the stream read from the beginning."""
    with warehouse.writer(f"forget cursor of {stream.key}") as session:
        if session.table_exists(LANDING, "cursors"):
            _delete_cursor(session, stream)


def record(
    session: Session,
    stream: Stream,
    loads: Sequence[Load],
    cursor: str | None,
    reading_id: str | None = None,
) -> None:
    """Note completed loads of a reading and the cursor after them, in the caller's transaction."""
    now = datetime.now(UTC)
    if loads:
        rows = [
            {
                "load_id": load.load_id,
                "system": stream.system,
                "stream": stream.name,
                "rows": load.rows,
                "watermark": load.watermark,
                "loaded_at": now,
                "reading_id": reading_id,
            }
            for load in loads
        ]
        session.append(LANDING, "loads", pa.Table.from_pylist(rows, LOADS))
    if cursor is not None:
        _delete_cursor(session, stream)
        row = {
            "system": stream.system,
            "stream": stream.name,
            "cursor": cursor,
            "updated_at": now,
        }
        session.append(LANDING, "cursors", pa.Table.from_pylist([row], CURSORS))


def _delete_cursor(session: Session, stream: Stream) -> None:
    session.execute(
        "delete from landing.cursors where system = :system and stream = :stream",
        {"system": stream.system, "stream": stream.name},
    )
