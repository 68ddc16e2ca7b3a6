"""What the ledger says of targets and customers before a plan; each reads no more than is asked."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.ledger import HELD, PENDING, of_named
from orchestration_assets.state.schema import LEDGER_OPEN, ledger
from orchestration_assets.state.store import StateStore

Place = tuple[str, str, str]
"""Destination, object and journey."""

_CHUNK = 1_000
# Past so many names one reading of the journey's rows costs less than asking for each.
_READ_ALL_ABOVE = 5_000


def last_rows(
    state: StateStore, place: Place, targets: Collection[str]
) -> dict[str, dict[str, Any]]:
    """The newest row of each of these targets; rows that were held are left out.

    Each has `generation`, the number of rows its target ever had in this journey; a target that
    has none but held ones has no `id`. Targets of which there are no rows are left out.
    """
    table = ledger.c
    held = sa.and_(table.state == "dead", table.reason.startswith(HELD))
    newest = (
        sa.select(
            table.target_key,
            sa.func.max(sa.case((sa.not_(sa.func.coalesce(held, sa.false())), table.id))).label(
                "id"
            ),
            sa.func.count().label("generation"),
        )
        .where(of_named(*place))
        .group_by(table.target_key)
    )
    found: dict[str, dict[str, Any]] = {}
    for part in _parts(targets):
        of_part = (newest if part is None else newest.where(table.target_key.in_(part))).subquery()
        query = sa.select(
            of_part.c.target_key,
            of_part.c.generation,
            table.id,
            table.customer_id,
            table.state,
            table.payload_hash,
            table.attempts,
            table.run_id,
            table.release_number,
        ).select_from(of_part.outerjoin(ledger, table.id == of_part.c.id))
        found |= {row["target_key"]: row for row in state.rows(query)}
    return {target: found[target] for target in targets if target in found}


def open_targets(
    state: StateStore, place: Place, customers: Collection[str] | None = None
) -> set[str]:
    """Targets with a row that a plan may still end: without an answer, rejected, or given up.

    Args:
        state: the operational store.
        place: whose rows.
        customers: ids of the customers whose rows are looked at; None for all.
    """
    query = sa.select(ledger.c.target_key).where(of_named(*place), sa.text(LEDGER_OPEN))
    return {row["target_key"] for row in _of_customers(state, query, customers)}


def sends_by_customer(
    state: StateStore, place: Place, customers: Collection[str], since: datetime
) -> Counter[str]:
    """Rows by customer that are to go out, or went out after `since` and may have had their effect.

    A row without an answer counts whenever it was planned, because it will still go out. A rejected
    or given-up one does not, nor does one that was held before it went out; one that was held after
    it was sent without an answer does. Rows are found by the customer id that they were planned
    for.
    """
    table = ledger.c
    went_out = sa.func.coalesce(table.sent_at, table.planned_at) > since
    in_doubt = sa.and_(
        table.state == "dead", table.reason.startswith(HELD), table.sent_at.is_not(None)
    )
    query = (
        sa.select(table.customer_id, sa.func.count().label("sends"))
        .where(
            of_named(*place),
            sa.or_(
                table.state.in_(PENDING),
                sa.and_(sa.or_(table.state == "confirmed", in_doubt), went_out),
            ),
        )
        .group_by(table.customer_id)
    )
    rows = _of_customers(state, query, customers)
    return Counter({row["customer_id"]: row["sends"] for row in rows})


def _of_customers(
    state: StateStore, query: sa.Select[*tuple[Any, ...]], customers: Collection[str] | None
) -> list[dict[str, Any]]:
    if customers is None:
        return state.rows(query)
    found = []
    for part in _parts(customers):
        found += state.rows(query if part is None else query.where(ledger.c.customer_id.in_(part)))
    return found


def _parts(names: Collection[str]) -> list[Sequence[str] | None]:
    """The names in parts that one query may hold; one part, None, where all rows are read."""
    if len(names) > _READ_ALL_ABOVE:
        return [None]
    listed = list(names)
    return [listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK)]
