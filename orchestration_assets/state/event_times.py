"""How long events take: the times of each on its way to what it brought about.

A row is one event, or one event and one row of the ledger that it led to; when that was sent and
confirmed stands in the ledger.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import event_times, ledger
from orchestration_assets.state.store import StateStore

PERCENTILES = (50, 95, 99)
_AT_ONCE = 500


def record(state: StateStore, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down the times of events; `rows` name the table's columns."""
    if rows:
        with state.begin() as connection:
            connection.execute(sa.insert(event_times), [dict(row) for row in rows])


def ledger_rows(
    state: StateStore, journey: str, run_id: str, customers: Sequence[str]
) -> dict[str, int]:
    """Ids of the rows that a run planned for these customers, by customer; the newest of each."""
    found: dict[str, int] = {}
    for start in range(0, len(customers), _AT_ONCE):
        query = sa.select(ledger.c.customer_id, ledger.c.id).where(
            ledger.c.customer_id.in_(customers[start : start + _AT_ONCE]),
            ledger.c.journey == journey,
            ledger.c.run_id == run_id,
        )
        for row in state.rows(query.order_by(ledger.c.id)):
            found[row["customer_id"]] = row["id"]
    return found


def seconds_to_request(state: StateStore, since: datetime) -> dict[tuple[str, str], list[float]]:
    """Seconds from each event's arrival to the request that it led to, in order.

    Args:
        state: the operational store.
        since: earliest arrival.

    Returns:
        Seconds by journey and destination.
    """
    query = (
        sa.select(
            event_times.c.journey,
            event_times.c.destination,
            event_times.c.received_at,
            ledger.c.sent_at,
        )
        .select_from(event_times.join(ledger, ledger.c.id == event_times.c.ledger_id))
        .where(event_times.c.received_at >= since, ledger.c.sent_at.is_not(None))
    )
    found: dict[tuple[str, str], list[float]] = {}
    for row in state.rows(query):
        spent = (row["sent_at"] - row["received_at"]).total_seconds()
        found.setdefault((row["journey"], row["destination"]), []).append(spent)
    return {place: sorted(seconds) for place, seconds in sorted(found.items())}


_STAGES = ("received_at", "accepted_at", "landed_at", "released_at", "decided_at", "sent_at")


def stage_seconds(state: StateStore, since: datetime) -> dict[str, float]:
    """Mean seconds that events spent before each of their times, from the one before it on."""
    columns = [event_times.c[name] for name in _STAGES[:-1]]
    query = (
        sa.select(*columns, ledger.c.sent_at)
        .select_from(event_times.join(ledger, ledger.c.id == event_times.c.ledger_id))
        .where(event_times.c.received_at >= since, ledger.c.sent_at.is_not(None))
    )
    rows = state.rows(query)
    return {
        later: sum((row[later] - row[earlier]).total_seconds() for row in rows) / len(rows)
        for earlier, later in pairwise(_STAGES)
        if rows
    }


def expire(state: StateStore, before: datetime) -> int:
    """Remove the times of events that were received before a moment; return how many."""
    with state.begin() as connection:
        statement = sa.delete(event_times).where(event_times.c.received_at < before)
        return connection.execute(statement).rowcount


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of the values, in order, that `percent` of 100 do not exceed (nearest rank)."""
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]
