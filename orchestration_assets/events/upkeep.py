"""The inbox for people and sensors: what waits, what is poison, what retention removes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from orchestration_assets.errors import FatalError
from orchestration_assets.events.tables import (
    IS_OPEN,
    IS_POISON,
    IS_SETTLED_WITH_BODY,
    STATUSES,
    inbox_events,
)
from orchestration_assets.state.sqlite import writing

_table = inbox_events.c
_CHUNK = 5_000
_SHOWN = tuple(column for column in inbox_events.c if column.name != "body")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is to be worked off.

    Attributes:
        count: events that are not done, poison or discarded.
        ready: those of them that nobody holds and that wait for no pause.
        oldest: when the first of them was accepted.
        newest_id: the last one's place in the order of acceptance; 0 when there is none.
        attempts: how many of them were tried so often.
        poison: events that were given up; they are not in `count`.
    """

    count: int
    ready: int
    oldest: datetime | None
    newest_id: int
    attempts: dict[int, int]
    poison: int


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the bodies of settled events are kept; their keys stay for ever."""

    done: timedelta
    discarded: timedelta


def waiting(engine: sa.Engine, now: datetime, systems: Sequence[str] | None = None) -> Waiting:
    """Count what waits, of these systems alone where some are named."""
    of_systems = sa.true() if systems is None else _table.system.in_(systems)
    is_ready = sa.or_(
        sa.and_(_table.status == "waiting", sa.func.coalesce(_table.not_before, now) <= now),
        sa.and_(_table.status == "leased", _table.lease_until <= now),
    )
    statement = (
        sa.select(
            _table.attempts,
            sa.func.count().label("events"),
            sa.func.sum(sa.case((is_ready, 1), else_=0)).label("ready"),
            sa.func.min(_table.accepted_at).label("oldest"),
            sa.func.max(_table.id).label("newest"),
        )
        .where(IS_OPEN, of_systems)
        .group_by(_table.attempts)
    )
    with engine.connect() as connection:
        rows = connection.execute(statement).all()
        poison = sa.select(sa.func.count()).select_from(inbox_events).where(IS_POISON, of_systems)
        given_up = connection.execute(poison).scalar_one()
    return Waiting(
        count=sum(row.events for row in rows),
        ready=sum(int(row.ready) for row in rows),
        oldest=min((row.oldest for row in rows), default=None),
        newest_id=max((row.newest for row in rows), default=0),
        attempts={row.attempts: row.events for row in sorted(rows, key=lambda row: row.attempts)},
        poison=given_up,
    )


def listed(
    engine: sa.Engine, statuses: Sequence[str], system: str | None, limit: int
) -> list[dict[str, Any]]:
    """Events in order of acceptance, without their bodies."""
    unknown = sorted(set(statuses) - set(STATUSES))
    if unknown:
        raise FatalError(
            f"There is no status {unknown[0]!r} in the inbox.",
            f"name one of {', '.join(STATUSES)}.",
        )
    statement = sa.select(*_SHOWN).where(_table.status.in_(statuses))
    if system is not None:
        statement = statement.where(_table.system == system)
    with engine.connect() as connection:
        rows = connection.execute(statement.order_by(_table.id).limit(limit)).mappings()
        return [{str(name): value for name, value in row.items()} for row in rows]


def shown(engine: sa.Engine, event: int, *, with_body: bool) -> dict[str, Any]:
    """All that is known of one event.

    Raises:
        FatalError: there is no such event.
    """
    columns = (*_SHOWN, _table.body) if with_body else _SHOWN
    with engine.connect() as connection:
        row = connection.execute(sa.select(*columns).where(_table.id == event)).mappings().first()
    if row is None:
        raise FatalError(f"The inbox has no event {event}.", "list them: accord inbox list")
    return {str(name): value for name, value in row.items()}


def replay(engine: sa.Engine, events: Sequence[int], *, by: str, now: datetime) -> list[int]:
    """Let settled events be worked on once more, with all their attempts; return which ones are.

    An event that is still open, or whose body retention removed, stays as it is.
    """
    change: dict[str, Any] = {
        "status": "waiting",
        "attempts": 0,
        "not_before": None,
        "done_at": None,
        "decided_by": by,
        "decided_because": None,
        "decided_at": now,
    }
    may = sa.and_(_table.status.in_(("poison", "discarded", "done")), _table.body.is_not(None))
    return _decide(engine, events, may, change)


def discard(
    engine: sa.Engine, events: Sequence[int], *, by: str, because: str, now: datetime
) -> list[int]:
    """Give events up that are not done; return which ones are. A worker that holds one loses it."""
    change: dict[str, Any] = {
        "status": "discarded",
        "owner": None,
        "lease_until": None,
        "done_at": now,
        "decided_by": by,
        "decided_because": because,
        "decided_at": now,
    }
    may = _table.status.in_(("waiting", "leased", "poison"))
    return _decide(engine, events, may, change)


def expire(engine: sa.Engine, policy: Retention, now: datetime) -> int:
    """Remove bodies and subjects that the policy does not keep; return of how many events.

    What stays is the key, so that a copy that comes years later is still known.
    """
    is_old = sa.or_(
        sa.and_(_table.status == "done", _table.done_at <= now - policy.done),
        sa.and_(_table.status == "discarded", _table.done_at <= now - policy.discarded),
    )
    emptied = 0
    while True:
        old = sa.select(_table.id).where(IS_SETTLED_WITH_BODY, is_old).limit(_CHUNK)
        statement = (
            sa.update(inbox_events)
            .where(_table.id.in_(old.scalar_subquery()))
            .values(body=None, subject="", error_text=None, decided_because=None)
        )
        with writing(engine) as connection:
            changed = connection.execute(statement).rowcount
        emptied += changed
        if changed < _CHUNK:
            return emptied


def _decide(
    engine: sa.Engine,
    events: Sequence[int],
    may: sa.ColumnElement[bool],
    change: dict[str, Any],
) -> list[int]:
    changed: list[int] = []
    with writing(engine) as connection:
        for start in range(0, len(events), _CHUNK):
            statement = (
                sa.update(inbox_events)
                .where(_table.id.in_(events[start : start + _CHUNK]), may)
                .values(fence=_table.fence + 1, **change)
                .returning(_table.id)
            )
            changed += connection.execute(statement).scalars()
    return sorted(changed)
