"""Stewards' decisions on who is who: kept outside the warehouse, so that a rebuild goes by them."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.errors import FatalError
from orchestration_assets.state.schema import identity_decisions
from orchestration_assets.state.store import StateStore

Record = tuple[str, str]


def decide(
    state: StateStore,
    kind: str,
    pairs: Sequence[tuple[Record, Record]],
    *,
    reason: str,
    decided_by: str,
) -> list[str]:
    """Keep one decision for each pair of records; return their ids, in order.

    Args:
        state: the store.
        kind: `together` (one person) or `apart` (two).
        pairs: two records each, a record being its system and record id.
        reason: in the steward's words, without personal data.
        decided_by: who decided.
    """
    now = datetime.now(UTC)
    rows = [
        {
            "decision_id": f"dec_{uuid.uuid4().hex[:12]}",
            "kind": kind,
            "system_one": one[0],
            "record_one": one[1],
            "system_other": other[0],
            "record_other": other[1],
            "reason": reason,
            "decided_by": decided_by,
            "decided_at": now,
        }
        for one, other in pairs
    ]
    with state.begin() as connection:
        connection.execute(sa.insert(identity_decisions), rows)
    return [row["decision_id"] for row in rows]


def withdraw(state: StateStore, decision_id: str, *, reason: str, withdrawn_by: str) -> None:
    """Take a decision back; it stays on record.

    Raises:
        FatalError: there is no such decision in force.
    """
    table = identity_decisions
    statement = (
        sa.update(table)
        .where(table.c.decision_id == decision_id, table.c.withdrawn_at.is_(None))
        .values(withdrawn_at=datetime.now(UTC), withdrawn_by=withdrawn_by, withdrawn_because=reason)
    )
    with state.begin() as connection:
        if connection.execute(statement).rowcount != 1:
            raise FatalError(
                f"No decision {decision_id} is in force.",
                "see accord identity decisions for those that are.",
            )


def decisions(state: StateStore, *, withdrawn_too: bool = False) -> list[dict[str, Any]]:
    """The decisions in force (or all that were ever made), oldest first."""
    statement = sa.select(identity_decisions)
    if not withdrawn_too:
        statement = statement.where(identity_decisions.c.withdrawn_at.is_(None))
    return state.rows(
        statement.order_by(identity_decisions.c.decided_at, identity_decisions.c.decision_id)
    )
