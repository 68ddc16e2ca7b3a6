"""Alerts: one open row for each thing that is broken, and whether people were told.

A row is due for delivery until it was delivered after its last change; so nothing is lost and
nothing told twice, whatever restarts.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import alerts
from orchestration_assets.state.store import StateStore

# The channels that have received an alert since its last change, kept in its body.
DELIVERED_TO = "delivered_to"
# A change of these alone is kept and told to nobody: figures move with every run.
QUIET = frozenset({"rows", "details", "links", DELIVERED_TO})


def open_or_update(
    state: StateStore, dedup_key: str, severity: str, title: str, body: Mapping[str, Any]
) -> bool:
    """Open an alert, or note that it happened again; returns whether people are to be told.

    The same alert again counts an occurrence and keeps its newest figures (`QUIET`); any other
    change is told.
    """
    now = datetime.now(UTC)
    table = alerts.c
    with state.begin() as connection:
        found = (
            connection.execute(
                sa.select(alerts).where(table.dedup_key == dedup_key, table.resolved_at.is_(None))
            )
            .mappings()
            .first()
        )
        if found is None:
            connection.execute(
                sa.insert(alerts).values(
                    dedup_key=dedup_key,
                    severity=severity,
                    title=title,
                    body=dict(body),
                    opened_at=now,
                    updated_at=now,
                )
            )
            return True
        same = _loud(found["severity"], found["title"], found["body"]) == _loud(
            severity, title, body
        )
        changes: dict[str, Any] = {"occurrences": table.occurrences + 1}
        if same:
            told = found["body"].get(DELIVERED_TO)
            changes["body"] = dict(body) | ({DELIVERED_TO: told} if told else {})
        else:
            changes |= {"severity": severity, "title": title, "body": dict(body)}
            changes |= _to_be_told(now)
        connection.execute(sa.update(alerts).where(table.id == found["id"]).values(changes))
        return not same


def resolve(state: StateStore, dedup_key: str) -> bool:
    """Close the open alert of a key; people are told once more. False when none was open."""
    now = datetime.now(UTC)
    table = alerts.c
    with state.begin() as connection:
        found = (
            connection.execute(
                sa.select(alerts).where(table.dedup_key == dedup_key, table.resolved_at.is_(None))
            )
            .mappings()
            .first()
        )
        if found is None:
            return False
        body = {name: value for name, value in found["body"].items() if name != DELIVERED_TO}
        changes = {"resolved_at": now, "body": body} | _to_be_told(now)
        connection.execute(sa.update(alerts).where(table.id == found["id"]).values(changes))
        return True


def pending(state: StateStore) -> list[dict[str, Any]]:
    """Alerts that people were not told of since their last change, oldest first."""
    query = sa.select(alerts).where(alerts.c.delivered_at.is_(None)).order_by(alerts.c.id)
    return state.rows(query)


def open_alerts(state: StateStore, prefix: str = "") -> list[dict[str, Any]]:
    """Alerts that are not resolved, whose key starts with `prefix`, oldest first."""
    query = sa.select(alerts).where(
        alerts.c.resolved_at.is_(None), alerts.c.dedup_key.startswith(prefix, autoescape=True)
    )
    return state.rows(query.order_by(alerts.c.id))


def record_delivery(
    state: StateStore, alert: Mapping[str, Any], body: Mapping[str, Any], error: str | None
) -> None:
    """Note the outcome of telling people, unless the alert changed meanwhile.

    Args:
        state: the operational store.
        alert: the row as `pending` gave it.
        body: its body with what each channel has received.
        error: what went wrong; None when everybody was told.
    """
    values: dict[str, Any] = {
        "delivery_attempts": alerts.c.delivery_attempts + 1,
        "delivery_error": error,
        "body": dict(body),
    }
    if error is None:
        values["delivered_at"] = datetime.now(UTC)
    statement = (
        sa.update(alerts)
        .where(alerts.c.id == alert["id"], alerts.c.updated_at == alert["updated_at"])
        .values(values)
    )
    with state.begin() as connection:
        connection.execute(statement)


def _loud(severity: str, title: str, body: Mapping[str, Any]) -> tuple[Any, ...]:
    """The part of an alert whose change people are told of."""
    return severity, title, {name: body[name] for name in body if name not in QUIET}


def _to_be_told(now: datetime) -> dict[str, Any]:
    return {
        "updated_at": now,
        "delivered_at": None,
        "delivery_attempts": 0,
        "delivery_error": None,
    }
