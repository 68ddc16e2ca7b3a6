"""Who is in the control group of a journey: the first word on a customer counts for good.

A row holds ids alone. It stays when its customer is merged into another one or erased: its id leads
to nobody then, and the ratio of the groups would be wrong without it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import assignments
from orchestration_assets.state.store import StateStore

_CHUNK = 1_000
# Past so many customers one reading of the journey costs less than asking for each.
_READ_ALL_ABOVE = 5_000
_KEYS = ("journey", "salt", "customer_id")


def assign(state: StateStore, journey: str, salt: str, drawn: Mapping[str, bool]) -> set[str]:
    """Record customers that have no assignment yet; what is recorded wins over what is drawn.

    Args:
        state: the operational store.
        journey: name of the journey.
        salt: of the draw; another one begins anew.
        drawn: whether a customer falls in the control group, by customer id.

    Returns:
        The customers among them that are in the control group.
    """
    known = _recorded(state, journey, salt, list(drawn))
    missing = [
        {
            "journey": journey,
            "salt": salt,
            "customer_id": customer_id,
            "in_control": in_control,
            "assigned_at": datetime.now(UTC),
        }
        for customer_id, in_control in drawn.items()
        if customer_id not in known
    ]
    if missing:
        with state.begin() as connection:
            state.upsert(connection, assignments, missing, _KEYS, update=[])
        # Another process may have been the first.
        known |= _recorded(state, journey, salt, [row["customer_id"] for row in missing])
    return {customer_id for customer_id in drawn if known[customer_id]}


def assigned(state: StateStore, journey: str, salt: str) -> list[dict[str, Any]]:
    """Every assignment of a draw, first ones first: customer_id, in_control, assigned_at."""
    table = assignments.c
    query = (
        sa.select(table.customer_id, table.in_control, table.assigned_at)
        .where(table.journey == journey, table.salt == salt)
        .order_by(table.assigned_at, table.customer_id)
    )
    return state.rows(query)


def _recorded(
    state: StateStore, journey: str, salt: str, customer_ids: list[str]
) -> dict[str, bool]:
    table = assignments.c
    query = sa.select(table.customer_id, table.in_control).where(
        table.journey == journey, table.salt == salt
    )
    if len(customer_ids) > _READ_ALL_ABOVE:
        return {row["customer_id"]: row["in_control"] for row in state.rows(query)}
    found: dict[str, bool] = {}
    for start in range(0, len(customer_ids), _CHUNK):
        part = query.where(table.customer_id.in_(customer_ids[start : start + _CHUNK]))
        found |= {row["customer_id"]: row["in_control"] for row in state.rows(part)}
    return found
