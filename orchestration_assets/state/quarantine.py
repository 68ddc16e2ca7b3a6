"""Records that could not be landed, held with their reason until they land or are discarded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import quarantine
from orchestration_assets.state.store import StateStore

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that broke its stream's contract.

    Args:
        record_id: the vendor's identifier; for a record without one, a hash of its content.
        rule: name of the rule it broke (`required_field`, `timestamp_field`, ...).
        reason: which field and what was expected, without the value.
        raw_record: the vendor's JSON.
    """

    record_id: str
    rule: str
    reason: str
    raw_record: str


def hold(state: StateStore, system: str, stream: str, records: Iterable[Rejected]) -> int:
    """Hold the records; one already held keeps its first time and counts another attempt."""
    now = datetime.now(UTC)
    newest = {record.record_id: record for record in records}
    rows = [
        {
            "system": system,
            "stream": stream,
            "record_id": record.record_id,
            "reason": record.reason,
            "rule": record.rule,
            "raw_record": record.raw_record,
            "first_seen_at": now,
            "last_seen_at": now,
            "attempts": 1,
            "status": "held",
        }
        for record in newest.values()
    ]
    with state.begin() as connection:
        for row in rows:
            state.upsert(
                connection,
                quarantine,
                [row],
                ["system", "stream", "record_id"],
                {
                    "reason": row["reason"],
                    "rule": row["rule"],
                    "raw_record": row["raw_record"],
                    "last_seen_at": now,
                    "attempts": quarantine.c.attempts + 1,
                    "status": "held",
                },
            )
    return len(rows)


def held_ids(state: StateStore, system: str, stream: str) -> set[str]:
    """Return the identifiers of the records of a stream that are held now."""
    statement = sa.select(quarantine.c.record_id).where(
        quarantine.c.system == system,
        quarantine.c.stream == stream,
        quarantine.c.status == "held",
    )
    return {row["record_id"] for row in state.rows(statement)}


def release(state: StateStore, system: str, stream: str, record_ids: Sequence[str]) -> int:
    """Mark held records as released, because a later version of them landed well."""
    return _settle(state, system, stream, record_ids, "released")


def discard(state: StateStore, system: str, stream: str, record_ids: Sequence[str]) -> int:
    """Mark held records as discarded, by a person's decision."""
    return _settle(state, system, stream, record_ids, "discarded")


def _settle(
    state: StateStore, system: str, stream: str, record_ids: Sequence[str], status: str
) -> int:
    changed = 0
    with state.begin() as connection:
        for start in range(0, len(record_ids), _CHUNK):
            statement = (
                sa.update(quarantine)
                .where(
                    quarantine.c.system == system,
                    quarantine.c.stream == stream,
                    quarantine.c.status == "held",
                    quarantine.c.record_id.in_(record_ids[start : start + _CHUNK]),
                )
                .values(status=status, last_seen_at=datetime.now(UTC))
            )
            changed += connection.execute(statement).rowcount
    return changed


def held(
    state: StateStore, system: str | None = None, stream: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Return held records, oldest first, without their raw content."""
    columns = [column for column in quarantine.c if column.name != "raw_record"]
    statement = sa.select(*columns).where(quarantine.c.status == "held")
    if system is not None:
        statement = statement.where(quarantine.c.system == system)
    if stream is not None:
        statement = statement.where(quarantine.c.stream == stream)
    return state.rows(statement.order_by(quarantine.c.first_seen_at).limit(limit))


def held_since(state: StateStore, system: str, stream: str, since: datetime) -> int:
    """Return how many records of a stream that were rejected since then are still held."""
    statement = sa.select(sa.func.count().label("records")).where(
        quarantine.c.system == system,
        quarantine.c.stream == stream,
        quarantine.c.status == "held",
        quarantine.c.last_seen_at >= since,
    )
    return state.rows(statement)[0]["records"]


def counts(state: StateStore) -> list[dict[str, Any]]:
    """Return how many records are held, by system, stream and rule."""
    key = (quarantine.c.system, quarantine.c.stream, quarantine.c.rule)
    return state.rows(
        sa.select(*key, sa.func.count().label("records"))
        .where(quarantine.c.status == "held")
        .group_by(*key)
        .order_by(*key)
    )
