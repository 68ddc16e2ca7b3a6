"""Alerts: one open row for each thing that is broken, told anew when it gets worse.

`version` moves when people are to be told again, `revision` with every change that a channel with
incidents of its own should show. Who was told of which stands in `state.alert_deliveries`; so
nothing is lost and nothing told twice, whatever restarts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from orchestration_assets.state.schema import alerts
from orchestration_assets.state.store import StateStore

# A severity that is not here ranks below those that are.
_RANKS = {"warning": 1, "critical": 2}
# What changes with every run and says nothing new.
_PASSING = frozenset({"links"})


class Row(NamedTuple):
    """One alert as it is to stand."""

    dedup_key: str
    severity: str
    title: str
    body: Mapping[str, Any]


def open_or_update(
    state: StateStore,
    dedup_key: str,
    severity: str,
    title: str,
    body: Mapping[str, Any],
    *,
    loud: bool = False,
) -> bool:
    """Open an alert, or note that it happened again; returns whether people are to be told.

    People are told again when the severity rises or what is held changes. Any other change is
    kept, and shown where an incident can be brought up to date.

    Args:
        state: the operational store.
        dedup_key: one alert is open for a key.
        severity: `critical` or `warning`.
        title: one line.
        body: the incident's fields.
        loud: tell people again although nothing got worse.
    """
    with state.begin() as connection:
        return _open_or_update(connection, Row(dedup_key, severity, title, body), loud=loud)


def open_or_update_all(state: StateStore, rows: Iterable[Row]) -> None:
    """Open or update many alerts in one transaction: a storm has a thousand of them."""
    with state.begin() as connection:
        for row in rows:
            _open_or_update(connection, row)


def resolve(state: StateStore, dedup_key: str) -> bool:
    """Close the open alert of a key; people are told once more. False when none was open."""
    now = datetime.now(UTC)
    statement = (
        sa.update(alerts)
        .where(alerts.c.dedup_key == dedup_key, alerts.c.resolved_at.is_(None))
        .values({"resolved_at": now, "revision": alerts.c.revision + 1} | _to_be_told(now))
    )
    with state.begin() as connection:
        return connection.execute(statement).rowcount > 0


def note_once(
    state: StateStore, dedup_key: str, severity: str, title: str, body: Mapping[str, Any]
) -> bool:
    """Add an alert that is told once and never open; False when the key was used before."""
    now = datetime.now(UTC)
    used = sa.select(sa.func.count()).where(alerts.c.dedup_key == dedup_key)
    row = {"dedup_key": dedup_key, "severity": severity, "title": title, "body": dict(body)}
    row |= {"opened_at": now, "updated_at": now, "resolved_at": now}
    with state.begin() as connection:
        if connection.execute(used).scalar_one():
            return False
        connection.execute(sa.insert(alerts).values(row))
        return True


def acknowledge(state: StateStore, ids: Sequence[int], by: str, note: str) -> int:
    """Note who takes the open alerts on; returns how many were open and not taken on yet."""
    changes = {"acknowledged_by": by, "acknowledged_note": note or None}
    statement = (
        sa.update(alerts)
        .where(
            alerts.c.id.in_(list(ids)),
            alerts.c.resolved_at.is_(None),
            alerts.c.acknowledged_at.is_(None),
        )
        .values(changes | {"acknowledged_at": datetime.now(UTC)})
    )
    with state.begin() as connection:
        return connection.execute(statement).rowcount


def unsettled(state: StateStore) -> list[dict[str, Any]]:
    """Open alerts, and resolved ones that somebody is still to be told of; oldest first."""
    query = sa.select(alerts).where(
        sa.or_(alerts.c.resolved_at.is_(None), alerts.c.delivered_at.is_(None))
    )
    return state.rows(query.order_by(alerts.c.id))


def settle(state: StateStore, told: Iterable[Mapping[str, Any]]) -> None:
    """Note that everybody was told of these rows, unless they changed since they were read."""
    bound = [{"alert": row["id"], "seen": row["version"]} for row in told]
    if not bound:
        return
    statement = (
        sa.update(alerts)
        .where(alerts.c.id == sa.bindparam("alert"), alerts.c.version == sa.bindparam("seen"))
        .values(delivered_at=datetime.now(UTC))
    )
    with state.begin() as connection:
        connection.execute(statement, bound)


def open_alerts(state: StateStore, prefix: str = "") -> list[dict[str, Any]]:
    """Alerts that are not resolved, whose key starts with `prefix`, oldest first."""
    query = sa.select(alerts).where(
        alerts.c.resolved_at.is_(None), alerts.c.dedup_key.startswith(prefix, autoescape=True)
    )
    return state.rows(query.order_by(alerts.c.id))


def newest(state: StateStore, dedup_key: str) -> dict[str, Any] | None:
    """The newest alert of a key, resolved or not."""
    query = sa.select(alerts).where(alerts.c.dedup_key == dedup_key)
    return next(iter(state.rows(query.order_by(alerts.c.id.desc()).limit(1))), None)


def newest_with_prefix(state: StateStore, prefix: str) -> dict[str, Any] | None:
    """The newest alert whose key starts so, resolved or not."""
    query = sa.select(alerts).where(alerts.c.dedup_key.startswith(prefix, autoescape=True))
    return next(iter(state.rows(query.order_by(alerts.c.id.desc()).limit(1))), None)


def resolved_since(state: StateStore, since: datetime, limit: int) -> list[dict[str, Any]]:
    """Alerts that were resolved after a moment, the newest first."""
    query = sa.select(alerts).where(alerts.c.resolved_at > since)
    return state.rows(query.order_by(alerts.c.resolved_at.desc()).limit(limit))


def _open_or_update(connection: sa.Connection, new: Row, *, loud: bool = False) -> bool:
    now = datetime.now(UTC)
    fields = {"severity": new.severity, "title": new.title, "body": dict(new.body)}
    found = _open(connection, new.dedup_key)
    if found is None:
        moments = {"opened_at": now, "updated_at": now, "severity_since": now}
        values = {"dedup_key": new.dedup_key, **fields, **moments}
        connection.execute(sa.insert(alerts).values(values))
        return True
    rises = _RANKS.get(new.severity, 0) > _RANKS.get(found["severity"], 0)
    told = loud or rises or new.body.get("held") != found["body"].get("held")
    changes: dict[str, Any] = {**fields, "occurrences": alerts.c.occurrences + 1}
    shown = (found["severity"], found["title"], _lasting(found["body"]))
    if told or shown != (new.severity, new.title, _lasting(new.body)):
        changes["revision"] = alerts.c.revision + 1
    if told:
        changes |= _to_be_told(now)
    if rises:
        # Who took it on took on less.
        changes |= {"severity_since": now, "acknowledged_at": None}
    connection.execute(sa.update(alerts).where(alerts.c.id == found["id"]).values(changes))
    return told


def _open(connection: sa.Connection, dedup_key: str) -> sa.RowMapping | None:
    query = sa.select(alerts).where(alerts.c.dedup_key == dedup_key, alerts.c.resolved_at.is_(None))
    return connection.execute(query).mappings().first()


def _lasting(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _PASSING}


def _to_be_told(now: datetime) -> dict[str, Any]:
    return {"updated_at": now, "delivered_at": None, "version": alerts.c.version + 1}
