"""Fields that vendors send and no contract names: seen, counted, kept in the raw record."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import schema_drift
from orchestration_assets.state.store import StateStore


def report(state: StateStore, system: str, stream: str, paths: Mapping[str, int]) -> None:
    """Add what one landing saw.

    Args:
        state: the store.
        system: of the stream.
        stream: name of the stream.
        paths: dotted path to the number of records that had it.
    """
    now = datetime.now(UTC)
    with state.begin() as connection:
        for path, records in sorted(paths.items()):
            state.upsert(
                connection,
                schema_drift,
                [
                    {
                        "system": system,
                        "stream": stream,
                        "path": path,
                        "first_seen_at": now,
                        "last_seen_at": now,
                        "records": records,
                    }
                ],
                ["system", "stream", "path"],
                {"last_seen_at": now, "records": schema_drift.c.records + records},
            )


def known_drift(state: StateStore, system: str | None = None) -> list[dict[str, Any]]:
    """Return the drift seen so far, newest first."""
    statement = sa.select(schema_drift)
    if system is not None:
        statement = statement.where(schema_drift.c.system == system)
    return state.rows(statement.order_by(schema_drift.c.first_seen_at.desc(), schema_drift.c.path))
