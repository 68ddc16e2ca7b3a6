"""Rows that the live lane added to core tables while a refresh goes on.

A release makes sure that each table has the rows that were judged. What came in between was judged
by the live lane itself, so it is counted apart.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa

from orchestration_assets.warehouse.held_rows import SCHEMA
from orchestration_assets.warehouse.session import Session

_TABLE = f"{SCHEMA}.live_rows"
_COLUMNS = pa.schema(
    [
        ("table_name", pa.string()),
        ("rows_more", pa.int64()),
        ("noted_at", pa.timestamp("us", "UTC")),
    ]
)


def note(session: Session, more: Mapping[str, int]) -> None:
    """Note by how many rows core tables grew, in the transaction in which they did."""
    grown = {table: rows for table, rows in more.items() if rows}
    now = [datetime.now(UTC)] * len(grown)
    data = pa.table([list(grown), list(grown.values()), now], schema=_COLUMNS)
    session.append(SCHEMA, "live_rows", data)


def added(session: Session, table: str, since: datetime | None) -> int:
    """How many rows a core table grew by since a moment; 0 where nobody knows the moment."""
    if since is None or not session.table_exists(SCHEMA, "live_rows"):
        return 0
    found = session.scalar(
        f"select sum(rows_more) from {_TABLE}"
        " where table_name = :table and noted_at > cast(:since as timestamptz)",
        {"table": table, "since": since},
    )
    return int(found or 0)


def forget(session: Session) -> None:
    """Forget all of them; call it in the release that they are part of."""
    if session.table_exists(SCHEMA, "live_rows"):
        session.execute(f"delete from {_TABLE}")
