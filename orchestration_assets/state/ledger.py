"""The ledger: every row that goes out, its state and its reason.

planned -> reserved -> sent -> confirmed, or rejected with the reason (planned again by a later
run), or dead. A row is `dead` when it was given up, or when it was held: then its reason starts
with `HELD` and it counts as never planned.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from orchestration_assets.errors import RetriableError
from orchestration_assets.state.schema import ledger
from orchestration_assets.state.store import StateStore

HELD = "held: "
SUPERSEDED = f"{HELD}a newer payload took its place"
LEFT_JOURNEY = f"{HELD}the customer left the journey"
MAX_ATTEMPTS = 10
PENDING = ("planned", "reserved", "sent")
_CHUNK = 1_000


def add_planned(state: StateStore, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add planned rows; one whose idempotency key exists is left as it is. Returns rows added."""
    if not rows:
        return 0
    insert = sqlite.insert if state.engine.dialect.name == "sqlite" else postgresql.insert
    statement = insert(ledger).on_conflict_do_nothing(index_elements=["idempotency_key"])
    # Drivers do not count rows of many statements alike, so they are counted afterwards.
    newest = sa.select(sa.func.coalesce(sa.func.max(ledger.c.id), 0))
    with state.begin() as connection:
        before = connection.execute(newest).scalar_one()
        connection.execute(statement, [dict(row) for row in rows])
        added = sa.select(sa.func.count()).where(
            ledger.c.id > before, ledger.c.run_id == rows[0]["run_id"]
        )
        return connection.execute(added).scalar_one()


def plan_again(state: StateStore, ids: Sequence[int], run_id: str) -> int:
    """Bring rejected rows back to planned; attempts and the last reason stay."""
    changes = {"state": "planned", "run_id": run_id}
    return len(_change(state, ids, ("rejected",), changes))


def hold(state: StateStore, ids: Sequence[int], reason: str) -> int:
    """End rows that must not go out any more, given-up ones too; `reason` starts with `HELD`.

    A row that went out and has no answer keeps `sent_at`: it may have had its effect.
    """
    changes = {
        "state": "dead",
        "reason": reason,
        "sent_at": sa.case((ledger.c.state == "sent", ledger.c.sent_at)),
        "settled_at": datetime.now(UTC),
    }
    return len(_change(state, ids, (*PENDING, "rejected", "dead"), changes))


def reserve(
    state: StateStore, destination: str, object_name: str, journey: str, run_id: str
) -> int:
    """Claim all planned rows of a journey for a run. Call it under `delivery_lock`."""
    table = ledger.c
    statement = (
        sa.update(ledger)
        .where(
            _of_journey(destination, object_name, journey),
            table.state == "planned",
        )
        .values(state="reserved", run_id=run_id)
    )
    with state.begin() as connection:
        return connection.execute(statement).rowcount


def due(
    state: StateStore, destination: str, object_name: str, journey: str, after: int, limit: int
) -> list[dict[str, Any]]:
    """Rows to send with an id above `after`, oldest first: reserved ones, and ones left `sent`."""
    table = ledger.c
    query = (
        sa.select(ledger)
        .where(
            _of_journey(destination, object_name, journey),
            table.state.in_(["reserved", "sent"]),
            table.id > after,
        )
        .order_by(table.id)
        .limit(limit)
    )
    return state.rows(query)


def mark_sent(state: StateStore, ids: Sequence[int], run_id: str) -> set[int]:
    """Note right before the call which rows are on their way.

    Returns:
        The ids to send; one that was held meanwhile is not among them.
    """
    changes = {"state": "sent", "run_id": run_id, "sent_at": datetime.now(UTC)}
    return _change(state, ids, ("reserved", "sent"), changes)


def give_back(state: StateStore, ids: Sequence[int], reason: str) -> int:
    """Bring rows back to planned that a destination refused as a whole; no attempt is counted."""
    changes = {"state": "planned", "reason": reason}
    return len(_change(state, ids, ("sent",), changes))


def release_reserved(state: StateStore, destination: str, object_name: str) -> int:
    """Bring reserved rows that were not sent back to planned. Call it under `delivery_lock`."""
    table = ledger.c
    statement = (
        sa.update(ledger)
        .where(
            table.destination == destination,
            table.object == object_name,
            table.state == "reserved",
        )
        .values(state="planned")
    )
    with state.begin() as connection:
        return connection.execute(statement).rowcount


def settle(state: StateStore, outcomes: Iterable[Mapping[str, Any]]) -> None:
    """Write the answer of each row; only an answer counts as an attempt.

    Args:
        state: the operational store.
        outcomes: dicts with `row_id`, `state`, `reason`, `vendor_reference`, `settled_at`, which
            is None for a row without an answer.
    """
    bound = [
        {f"new_{name}" if name != "row_id" else name: value for name, value in item.items()}
        | {"answers": int(item["settled_at"] is not None)}
        for item in outcomes
    ]
    if not bound:
        return
    names = ("state", "reason", "vendor_reference", "settled_at")
    statement = (
        sa.update(ledger)
        .where(ledger.c.id == sa.bindparam("row_id"))
        .values(
            {name: sa.bindparam(f"new_{name}") for name in names}
            | {"attempts": ledger.c.attempts + sa.bindparam("answers", type_=sa.Integer)}
        )
    )
    with state.begin() as connection:
        connection.execute(statement, bound)


def newer_targets(
    state: StateStore, destination: str, object_name: str, journey: str, rows: Sequence[Any]
) -> set[int]:
    """Ids among `rows` whose target has a newer row of the same journey."""
    table = ledger.c
    found: set[int] = set()
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        query = (
            sa.select(table.target_key, sa.func.max(table.id).label("newest"))
            .where(
                of_named(destination, object_name, journey),
                table.target_key.in_([row["target_key"] for row in part]),
                table.state.in_([*PENDING, "confirmed"]),
            )
            .group_by(table.target_key)
        )
        newest = {row["target_key"]: row["newest"] for row in state.rows(query)}
        found.update(row["id"] for row in part if newest.get(row["target_key"], 0) > row["id"])
    return found


def counts_by_state(state: StateStore) -> list[dict[str, Any]]:
    """Rows by destination, object, journey, state and reason."""
    table = ledger.c
    columns = (table.destination, table.object, table.journey, table.state, table.reason)
    query = sa.select(*columns, sa.func.count().label("rows")).group_by(*columns)
    return state.rows(query.order_by(*columns[:4]))


def waiting(state: StateStore, planned_before: datetime) -> tuple[int, int]:
    """Rows without an answer that were planned before a moment, and the newest of their ids."""
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(ledger.c.id), 0)).where(
        ledger.c.state.in_(PENDING), ledger.c.planned_at < planned_before
    )
    with state.begin() as connection:
        count, newest = connection.execute(query).one()
    return int(count), int(newest)


@contextmanager
def delivery_lock(
    state: StateStore, destination: str, object_name: str, timeout_s: float = 60
) -> Iterator[None]:
    """One delivery to an object of a destination at a time; a killed process lets go of it.

    Raises:
        RetriableError: another delivery still ran after `timeout_s` seconds.
    """
    name = f"{destination}.{object_name}"
    busy = RetriableError(
        f"Another delivery to {name} is running.", "wait for it to end; its rows are its own."
    )
    if state.engine.dialect.name == "sqlite":
        lock = FileLock(f"{state.engine.url.database}.{name}.lock", timeout=timeout_s)
        try:
            lock.acquire()
        except Timeout:
            raise busy from None
        try:
            yield
        finally:
            lock.release()
        return
    key = int.from_bytes(hashlib.sha256(f"delivery {name}".encode()).digest()[:8], signed=True)
    with state.engine.connect() as connection:
        connection.execute(
            sa.text("select set_config('lock_timeout', :wait, false)"),
            {"wait": str(max(int(timeout_s * 1000), 1))},
        )
        try:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
        except OperationalError:
            raise busy from None
        yield


def of_named(destination: str, object_name: str, journey: str) -> sa.ColumnElement[bool]:
    """Rows of one journey, for queries that go on to name targets or customers.

    SQLite keeps no statistics here and would rather find destination and object, which all rows of
    a journey share, by their index than some names by theirs; it has none for expressions.
    """
    table = ledger.c
    return sa.and_(
        table.journey == journey,
        sa.func.coalesce(table.destination, "") == destination,
        sa.func.coalesce(table.object, "") == object_name,
    )


def _of_journey(destination: str, object_name: str, journey: str) -> sa.ColumnElement[bool]:
    """Rows of one journey at its destination's object."""
    table = ledger.c
    return sa.and_(
        table.destination == destination, table.object == object_name, table.journey == journey
    )


def _change(
    state: StateStore, ids: Sequence[int], from_states: Sequence[str], changes: Mapping[str, Any]
) -> set[int]:
    """Change the rows that are in one of these states; return their ids."""
    changed: set[int] = set()
    with state.begin() as connection:
        for start in range(0, len(ids), _CHUNK):
            statement = (
                sa.update(ledger)
                .where(
                    ledger.c.id.in_(list(ids[start : start + _CHUNK])),
                    ledger.c.state.in_(list(from_states)),
                )
                .values(dict(changes))
                .returning(ledger.c.id)
            )
            changed.update(connection.execute(statement).scalars())
    return changed
