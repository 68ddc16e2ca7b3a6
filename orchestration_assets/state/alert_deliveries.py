"""What each channel was told of each alert, and which channels fail.

A row says how far a channel is: it is due again as soon as the alert's version is higher.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import alert_channels, alert_deliveries, alerts
from orchestration_assets.state.store import StateStore

Deliveries = Mapping[int, Mapping[str, Mapping[str, Any]]]
"""Rows by the alert's id and the channel's address."""
_KEYS = ("alert_id", "address")
_HEALTHY: dict[str, Any] = {"attempts": 0, "next_attempt_at": None, "error": None}


def deliveries(state: StateStore, *, everything: bool = False) -> Deliveries:
    """The rows of all alerts that are open or not settled; of all there are with `everything`."""
    query = sa.select(alert_deliveries)
    if not everything:
        wanted = sa.select(alerts.c.id).where(
            sa.or_(alerts.c.resolved_at.is_(None), alerts.c.delivered_at.is_(None))
        )
        query = query.where(alert_deliveries.c.alert_id.in_(wanted))
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for row in state.rows(query):
        found.setdefault(row["alert_id"], {})[row["address"]] = row
    return found


def deliveries_of(state: StateStore, alert_id: int) -> list[dict[str, Any]]:
    """The rows of one alert by address."""
    query = sa.select(alert_deliveries).where(alert_deliveries.c.alert_id == alert_id)
    return state.rows(query.order_by(alert_deliveries.c.address))


def record_told(
    state: StateStore,
    alert: Mapping[str, Any],
    address: str,
    *,
    level: int = 0,
    acknowledged: bool = False,
    reference: str | None = None,
) -> None:
    """Note that a channel took the alert as it was read."""
    row = {
        "alert_id": alert["id"],
        "address": address,
        "told_version": alert["version"],
        "told_revision": alert["revision"],
        "told_level": level,
        "told_acknowledged": acknowledged,
        "told_at": datetime.now(UTC),
        "reference": reference,
        **_HEALTHY,
    }
    with state.begin() as connection:
        state.upsert(connection, alert_deliveries, [row], _KEYS)


def record_refused(
    state: StateStore, alert_id: int, address: str, error: str, next_attempt_at: datetime
) -> None:
    """Note that a channel refused this one alert; what it was told before stays."""
    row = {"alert_id": alert_id, "address": address, "attempts": 1}
    row |= {"next_attempt_at": next_attempt_at, "error": error}
    changes = {
        "attempts": alert_deliveries.c.attempts + 1,
        "next_attempt_at": next_attempt_at,
        "error": error,
    }
    with state.begin() as connection:
        state.upsert(connection, alert_deliveries, [row], _KEYS, changes)


def record_folded(
    state: StateStore, members: Sequence[tuple[Mapping[str, Any], int]], address: str, storm: int
) -> None:
    """Note that a storm tells a channel of these alerts.

    Args:
        state: the operational store.
        members: alert row and escalation level of each.
        address: of the channel.
        storm: id of the alert that tells of them all.
    """
    rows = [
        {
            "alert_id": alert["id"],
            "address": address,
            "told_version": alert["version"],
            "told_revision": alert["revision"],
            "told_level": level,
            "folded_into": storm,
            **_HEALTHY,
        }
        for alert, level in members
    ]
    with state.begin() as connection:
        state.upsert(connection, alert_deliveries, rows, _KEYS)


def members(state: StateStore, storm: int) -> list[dict[str, Any]]:
    """The alerts that were folded into a storm, oldest first."""
    folded = sa.select(alert_deliveries.c.alert_id).where(alert_deliveries.c.folded_into == storm)
    return state.rows(sa.select(alerts).where(alerts.c.id.in_(folded)).order_by(alerts.c.id))


def refused(state: StateStore, attempts: int) -> list[dict[str, Any]]:
    """Rows that their channel refused so many times in a row or more."""
    query = sa.select(alert_deliveries).where(alert_deliveries.c.error.is_not(None))
    return state.rows(query.where(alert_deliveries.c.attempts >= attempts))


def failing_channels(state: StateStore) -> dict[str, dict[str, Any]]:
    """Channels whose last delivery failed: `failures`, `failing_since`, `error` and so on."""
    return {row["address"]: row for row in state.rows(sa.select(alert_channels))}


def note_failure(state: StateStore, address: str, error: str, next_attempt_at: datetime) -> None:
    """Note that a channel failed as a whole."""
    row = {"address": address, "failures": 1, "failing_since": datetime.now(UTC)}
    row |= {"next_attempt_at": next_attempt_at, "error": error}
    changes = {
        "failures": alert_channels.c.failures + 1,
        "next_attempt_at": next_attempt_at,
        "error": error,
    }
    with state.begin() as connection:
        state.upsert(connection, alert_channels, [row], ["address"], changes)


def note_success(state: StateStore, address: str) -> None:
    """Forget the failures of a channel."""
    statement = sa.delete(alert_channels).where(alert_channels.c.address == address)
    with state.begin() as connection:
        connection.execute(statement)
