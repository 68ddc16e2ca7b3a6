"""Putting new events into the inbox's table, and knowing which of them were not there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.events.tables import inbox_events

COLUMNS = (
    "system", "event_id", "topic", "subject", "occurred_at", "received_at", "accepted_at", "body",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event as it is handed to the inbox.

    Args:
        system: who sent it; `events` for first-party events.
        event_id: the sender's name for it; the same one twice is the same event.
        topic: what happened, in the sender's words.
        subject: events of one subject of a system are worked off in order; empty: on its own.
        occurred_at: when it happened, as the sender says.
        received_at: when its request began to arrive.
        body: the sender's bytes.
    """

    system: str
    event_id: str
    topic: str
    subject: str
    occurred_at: datetime | None
    received_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that is on disk, now or since an earlier call."""

    system: str
    event_id: str
    is_duplicate: bool


def insert(
    connection: sa.Connection, events: Sequence[NewEvent], now: datetime
) -> Collection[tuple[str, str]]:
    """Insert, and return the keys of those that were not there; the others stay as they are."""
    if connection.dialect.name == "sqlite":
        return _insert_sqlite(connection, events, now)
    return _insert_postgres(connection, events, now)


def _insert_sqlite(
    connection: sa.Connection, events: Sequence[NewEvent], now: datetime
) -> Collection[tuple[str, str]]:
    """Insert, and return the keys of those that were not there.

    Not by `returning`: SQLite hands over each row with a step of its own, and after every step
    this thread would queue up for the interpreter behind the one that reads requests.
    """
    values: list[Any] = []
    accepted_at = _as_sqlite_text(now)
    for one in events:
        moments = (_as_sqlite_text(one.occurred_at), _as_sqlite_text(one.received_at), accepted_at)
        values += (*_names(one), *moments, one.body)
    counted = connection.execution_options(preserve_rowcount=True)
    result = counted.exec_driver_sql(_insert(len(events), "?"), tuple(values))
    if result.rowcount == len(events):
        return [(one.system, one.event_id) for one in events]
    if not result.rowcount:
        return []
    # The new rows are the last ones: nobody else writes meanwhile, and their ids have no gaps.
    last = result.lastrowid
    columns = (inbox_events.c.system, inbox_events.c.event_id)
    new = sa.select(*columns).where(
        inbox_events.c.id > last - result.rowcount, inbox_events.c.id <= last
    )
    return {(row.system, row.event_id) for row in connection.execute(new)}


def _insert_postgres(
    connection: sa.Connection, events: Sequence[NewEvent], now: datetime
) -> Collection[tuple[str, str]]:
    """Insert, and return the keys of those that were not there."""
    values: list[Any] = []
    for one in events:
        values += (*_names(one), one.occurred_at, one.received_at, now, one.body)
    statement = _insert(len(events), "%s") + " returning system, event_id"
    return {(row[0], row[1]) for row in connection.exec_driver_sql(statement, tuple(values))}


def _insert(rows: int, mark: str) -> str:
    row = f"({', '.join([mark] * len(COLUMNS))})"
    return (
        f"insert into inbox_events ({', '.join(COLUMNS)}) values {', '.join([row] * rows)}"
        " on conflict (system, event_id) do nothing"
    )


def _names(event: NewEvent) -> tuple[str, str, str, str]:
    return event.system, event.event_id, event.topic, event.subject or event.event_id


def _as_sqlite_text(moment: datetime | None) -> str | None:
    """UTC without its zone, as `UtcDateTime` writes and reads it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]
