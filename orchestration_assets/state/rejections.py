"""Rows of the ledger that their destination does not take, as they stand now."""

from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.ledger import HELD
from orchestration_assets.state.schema import ledger
from orchestration_assets.state.store import StateStore


def rejections(state: StateStore) -> list[dict[str, Any]]:
    """Rejected and given-up rows by journey, state and reason; the newest of a target counts."""
    table = ledger.c
    target = (table.destination, table.object, table.journey, table.target_key)
    newest = sa.select(sa.func.max(table.id)).group_by(*target)
    columns = (table.journey, table.state, table.reason)
    given_up = sa.and_(
        table.state == "dead", sa.not_(sa.func.coalesce(table.reason, "").startswith(HELD))
    )
    query = (
        sa.select(*columns, sa.func.count().label("rows"))
        .where(table.id.in_(newest), sa.or_(table.state == "rejected", given_up))
        .group_by(*columns)
        .order_by(*columns)
    )
    return state.rows(query)
