"""Rows of the model that a gate holds back alone, for people to look at and to decide on.

A row leaves by itself once it passes: `passed`. A person may let it pass as it is (`released`) or
leave it out for good (`discarded`); either counts until the row changes.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import held_rows
from orchestration_assets.state.store import StateStore

HELD, PASSED, RELEASED, DISCARDED = "held", "passed", "released", "discarded"
_AT_ONCE = 500


def note_held(state: StateStore, table: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Make these the held rows of a table; one that was held and is not among them has passed.

    Args:
        state: the operational store.
        table: `<schema>.<table>`.
        rows: row_key, suite, rule, source, fingerprint.
    """
    now = datetime.now(UTC)
    of_table = held_rows.c.table_name == table
    with state.begin() as connection:
        known = {
            row.row_key: row
            for row in connection.execute(sa.select(held_rows).where(of_table)).all()
        }
        for row in rows:
            values = dict(row) | {"table_name": table, "first_held_at": now, "last_held_at": now}
            changed = dict(row) | {"last_held_at": now}
            before = known.get(row["row_key"])
            # A word on the row as it was says nothing of the row as it is.
            if before is None or before.status == PASSED or _is_other(before, row):
                changed |= {"status": HELD, "first_held_at": now, **_UNDECIDED}
            state.upsert(connection, held_rows, [values], ["table_name", "row_key"], changed)
        still = {row["row_key"] for row in rows}
        gone = [key for key, row in known.items() if key not in still and row.status != PASSED]
        # What a person let pass is no longer held, and stays known as such until it changes.
        gone = [key for key in gone if known[key].status != RELEASED]
        for start in range(0, len(gone), _AT_ONCE):
            connection.execute(
                sa.update(held_rows)
                .where(of_table, held_rows.c.row_key.in_(gone[start : start + _AT_ONCE]))
                .values(status=PASSED, last_held_at=now)
            )


_UNDECIDED: Mapping[str, Any] = {
    "decided_by": None,
    "decided_because": None,
    "decided_at": None,
}


def _is_other(before: Any, row: Mapping[str, str]) -> bool:
    return before.status != HELD and before.fingerprint != row["fingerprint"]


def settled(state: StateStore) -> dict[str, set[tuple[str, str]]]:
    """Rows (key, fingerprint) that a person let pass, by table."""
    found: dict[str, set[tuple[str, str]]] = {}
    statement = sa.select(held_rows).where(held_rows.c.status == RELEASED)
    for row in state.rows(statement):
        found.setdefault(row["table_name"], set()).add((row["row_key"], row["fingerprint"]))
    return found


def discarded(state: StateStore, table: str) -> set[str]:
    """Keys of the rows of a table that a person left out for good."""
    statement = sa.select(held_rows.c.row_key).where(
        held_rows.c.table_name == table, held_rows.c.status == DISCARDED
    )
    return {row["row_key"] for row in state.rows(statement)}


def held(state: StateStore, table: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Rows that are held and that nobody decided on, oldest first."""
    statement = sa.select(held_rows).where(held_rows.c.status == HELD)
    if table is not None:
        statement = statement.where(held_rows.c.table_name == table)
    order = (held_rows.c.first_held_at, held_rows.c.table_name, held_rows.c.row_key)
    return state.rows(statement.order_by(*order).limit(limit))


def show(state: StateStore, table: str, row_key: str) -> dict[str, Any] | None:
    """All that is known of one row; None when it was never held."""
    found = state.rows(
        sa.select(held_rows).where(held_rows.c.table_name == table, held_rows.c.row_key == row_key)
    )
    return found[0] if found else None


def decide(
    state: StateStore, table: str, row_keys: Sequence[str], status: str, by: str, because: str
) -> int:
    """Let held rows pass (`RELEASED`) or leave them out for good (`DISCARDED`).

    Returns:
        How many of the rows were held.
    """
    with state.begin() as connection:
        return connection.execute(
            sa.update(held_rows)
            .where(
                held_rows.c.table_name == table,
                held_rows.c.row_key.in_(list(row_keys)),
                held_rows.c.status == HELD,
            )
            .values(
                status=status,
                decided_by=by,
                decided_because=because,
                decided_at=datetime.now(UTC),
            )
        ).rowcount
