"""Readings: what one landing of one stream brought, and whether the model may take it in.

A reading is what the landing gate judges. It may have landed in many loads, which stand or fall
together: the deletions of a source that came back empty do, for one. A load without a reading that
passed is not taken into any scope.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from orchestration_assets.model import Stream
from orchestration_assets.warehouse.session import Session

PASSED, HELD, ACCEPTED, DISCARDED, OBSOLETE = "passed", "held", "accepted", "discarded", "obsolete"
"""`accepted` and `discarded` are a person's word; what is obsolete was made good by later ones."""

# Dagster ends a landing after an hour: what has not ended by then was killed.
MAY_LAST = timedelta(hours=1)

_UTC = pa.timestamp("us", "UTC")
READINGS = pa.schema(
    [
        ("reading_id", pa.string()),
        ("system", pa.string()),
        ("stream", pa.string()),
        ("is_full", pa.bool_()),
        ("started_at", _UTC),
        ("ended_at", _UTC),
        ("is_complete", pa.bool_()),
        ("rows_read", pa.int64()),
        ("rows_rejected", pa.int64()),
        ("living_seen", pa.int64()),
        ("status", pa.string()),
        ("verdict", pa.string()),
        ("rule", pa.string()),
        ("reason", pa.string()),
        ("decided_at", _UTC),
        ("decided_by", pa.string()),
    ]
)
ADMITTED = f"('{PASSED}', '{ACCEPTED}')"
ADMITTED_LOADS = (
    "select l.load_id from landing.loads l join landing.readings r on r.reading_id = l.reading_id"
    f" where r.status in {ADMITTED} and l.system = :system and l.stream = :stream"
)
"""Loads of a stream that passed or that a person accepted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One landing of one stream.

    Attributes:
        ended_at: None while it goes on.
        is_complete: it came to the end of what the system had; False where it broke off.
        rows_read: records read, unchanged ones counted.
        rows_rejected: records that broke the stream's contract.
        living_seen: living records that a full reading saw.
    """

    reading_id: str
    system: str
    stream: str
    is_full: bool
    started_at: datetime
    ended_at: datetime | None = None
    is_complete: bool = False
    rows_read: int = 0
    rows_rejected: int = 0
    living_seen: int = 0


def create_readings_table(session: Session) -> None:
    """Create the table when it is missing; loads that a release took in before it have passed."""
    existed = session.table_exists("landing", "readings")
    session.create_table("landing", "readings", READINGS)
    if not existed and session.table_exists("scope", "consumed_loads"):
        consumed = (
            "exists (select 1 from scope.consumed_loads c where c.load_id = l.load_id"
            " and c.system = l.system and c.stream = l.stream)"
        )
        _adopt(session, consumed, PASSED)


def adopt_loads(session: Session) -> None:
    """Give each load without a reading one of its own: a crash, or an older version, left it."""
    _adopt(session, "l.reading_id is null", None)


def _adopt(session: Session, condition: str, status: str | None) -> None:
    own_id = "l.system || '.' || l.stream || ':' || l.load_id"
    session.execute(
        "insert into landing.readings (reading_id, system, stream, is_full, started_at, ended_at,"
        " is_complete, rows_read, rows_rejected, living_seen, status, decided_at)"
        f" select {own_id}, l.system, l.stream, false, l.loaded_at, l.loaded_at, false, l.rows, 0,"
        " 0, cast(:status as text), cast(:now as timestamptz)"
        f" from landing.loads l where {condition} and l.reading_id is null",
        {"status": status, "now": datetime.now(UTC) if status else None},
    )
    session.execute(
        f"update landing.loads as l set reading_id = {own_id}"
        f" where {condition} and l.reading_id is null"
    )


def note_reading(session: Session, reading: Reading) -> None:
    """Write down how far a reading has come, in the transaction of what it landed."""
    session.execute(
        "delete from landing.readings where reading_id = :id", {"id": reading.reading_id}
    )
    row = pa.Table.from_pylist([asdict(reading)], READINGS)
    session.append("landing", "readings", row)


def is_open(session: Session, reading_id: str) -> bool:
    """Whether a reading may still land something: it was not ended nor judged meanwhile."""
    closed = session.scalar(
        "select 1 from landing.readings where reading_id = :id"
        " and (ended_at is not null or status is not null)",
        {"id": reading_id},
    )
    return closed is None


def end_abandoned(session: Session, system: str = "", stream: str = "") -> None:
    """End the readings whose process died: those of a stream that is read anew, and old ones."""
    now = datetime.now(UTC)
    session.execute(
        "update landing.readings set ended_at = cast(:now as timestamptz) where ended_at is null"
        " and ((system = :system and stream = :stream) or started_at < cast(:old as timestamptz))",
        {"now": now, "old": now - MAY_LAST, "system": system, "stream": stream},
    )


def has_abandoned(session: Session, system: str, stream: str) -> bool:
    """Whether a reading of the stream never ended."""
    return bool(
        session.scalar(
            "select 1 from landing.readings"
            " where system = :system and stream = :stream and ended_at is null limit 1",
            {"system": system, "stream": stream},
        )
    )


def holds(session: Session, system: str, stream: str) -> bool:
    """Whether a reading of the stream is held."""
    return bool(
        session.scalar(
            "select 1 from landing.readings"
            " where system = :system and stream = :stream and status = :held limit 1",
            {"system": system, "stream": stream, "held": HELD},
        )
    )


def is_held(session: Session, reading_id: str) -> bool:
    """Whether this very reading is held."""
    status = session.scalar(
        "select status from landing.readings where reading_id = :id", {"id": reading_id}
    )
    return status == HELD


def left_out_loads(
    session: Session, system: str, stream: str, statuses: Collection[str]
) -> list[str]:
    """Loads of a stream whose reading has one of these statuses."""
    rows = session.rows(
        "select l.load_id from landing.loads l"
        " join landing.readings r on r.reading_id = l.reading_id"
        " where l.system = :system and l.stream = :stream"
        " and r.status in (select unnest(:statuses::text[]))",
        {"system": system, "stream": stream, "statuses": list(statuses)},
    )
    return [row["load_id"] for row in rows]


def readings_with(session: Session, status: str | None) -> list[dict[str, Any]]:
    """Ended readings with a status (None: not judged yet), oldest first, with `loads` and `rows`.

    Args:
        session: open on the warehouse.
        status: one of the statuses above, or None.
    """
    wanted = "r.status is null" if status is None else "r.status = :status"
    found = session.rows(
        f"select * from landing.readings r where {wanted} and r.ended_at is not null"
        " order by r.started_at, r.reading_id",
        {"status": status} if status else None,
    )
    loads = session.rows(
        "select l.reading_id, l.load_id, l.rows from landing.loads l"
        " join landing.readings r on r.reading_id = l.reading_id"
        f" where {wanted} order by l.load_id",
        {"status": status} if status else None,
    )
    by_reading: dict[str, list[Mapping[str, Any]]] = {}
    for load in loads:
        by_reading.setdefault(load["reading_id"], []).append(load)
    return [
        {
            **row,
            "loads": [load["load_id"] for load in by_reading.get(row["reading_id"], ())],
            "rows": sum(load["rows"] or 0 for load in by_reading.get(row["reading_id"], ())),
        }
        for row in found
    ]


def readings_before(
    session: Session, stream: Stream, since: datetime, window: timedelta
) -> list[dict[str, Any]]:
    """Judged readings of changes that began within a window before, newest first."""
    return session.rows(
        "select started_at, rows_read, rows_rejected from landing.readings"
        " where system = :system and stream = :stream and not is_full and status is not null"
        " and status not in ('accepted', 'discarded')"
        " and rows_read is not null and started_at < cast(:since as timestamptz)"
        " and started_at > cast(:oldest as timestamptz) order by started_at desc",
        {
            "system": stream.system,
            "stream": stream.name,
            "since": since,
            "oldest": since - window,
        },
    )


def replace_held(session: Session, stream: Stream, since: datetime) -> int:
    """A full reading that began at `since` takes the place of what is held from before it."""
    return session.execute(
        "update landing.readings set status = :obsolete, decided_at = cast(:now as timestamptz),"
        " reason = 'a later full reading says all that there is'"
        " where system = :system and stream = :stream and status = :held"
        " and started_at < cast(:since as timestamptz)",
        {
            "obsolete": OBSOLETE,
            "held": HELD,
            "now": datetime.now(UTC),
            "system": stream.system,
            "stream": stream.name,
            "since": since,
        },
    )


def decide(
    session: Session,
    reading_ids: Sequence[str],
    status: str,
    *,
    verdict: str = "",
    rule: str = "",
    reason: str = "",
    by: str = "",
) -> int:
    """Set the status of readings; returns how many there were.

    Args:
        session: inside a transaction.
        reading_ids: which.
        status: one of the statuses above.
        verdict: what the verdict in the state store is bound to.
        rule: the broken rules in words.
        reason: why, in one line.
        by: the person who decided; empty for the gate.
    """
    return session.execute(
        "update landing.readings set status = :status, verdict = :verdict, rule = :rule,"
        " reason = :reason, decided_at = cast(:now as timestamptz), decided_by = :by"
        " where reading_id in (select unnest(:ids::text[]))",
        {
            "status": status,
            "verdict": verdict,
            "rule": rule,
            "reason": reason,
            "now": datetime.now(UTC),
            "by": by,
            "ids": list(reading_ids),
        },
    )
