"""What a refresh is about: the records of all landed loads that no release has taken in yet.

A scope grows until a release consumes it, in the release's own transaction. A refresh that was
killed anywhere is therefore simply done again: nothing is lost, nothing is counted twice.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.readings import ADMITTED, HELD, MAY_LAST
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import qualified

_UTC = pa.timestamp("us", "UTC")
_LOAD = [("load_id", pa.string()), ("system", pa.string()), ("stream", pa.string())]
_TABLES = {
    "loads": pa.schema(_LOAD),
    "records": pa.schema(
        [("system", pa.string()), ("stream", pa.string()), ("record_id", pa.string())]
    ),
    "held_loads": pa.schema(_LOAD),
    "customers": pa.schema([("customer_id", pa.string())]),
    "state": pa.schema([("candidate_id", pa.string()), ("opened_at", _UTC)]),
    "consumed_loads": pa.schema([*_LOAD, ("release_number", pa.int64()), ("consumed_at", _UTC)]),
    "model_version": pa.schema([("version", pa.string()), ("built_at", _UTC)]),
}
# What the landing gate has not let through is not there for a scope, nor for the models.
_NEW_LOADS = f"""
select l.load_id, l.system, l.stream from landing.loads l
join landing.readings r on r.reading_id = l.reading_id
where r.status in {ADMITTED} and not exists (
    select 1 from scope.consumed_loads c
    where c.load_id = l.load_id and c.system = l.system and c.stream = l.stream
) and not exists (
    select 1 from scope.loads s
    where s.load_id = l.load_id and s.system = l.system and s.stream = l.stream
)
order by l.system, l.stream, l.load_id
"""
_NOT_ADMITTED = f"""
delete from scope.loads where not exists (
    select 1 from landing.loads l join landing.readings r on r.reading_id = l.reading_id
    where r.status in {ADMITTED} and l.load_id = scope.loads.load_id
        and l.system = scope.loads.system and l.stream = scope.loads.stream
)
"""
_HELD_LOADS = f"""
insert into scope.held_loads (load_id, system, stream)
select l.load_id, l.system, l.stream from landing.loads l
left join landing.readings r on r.reading_id = l.reading_id
where (r.status is null or r.status = '{HELD}') and not exists (
    select 1 from scope.consumed_loads c
    where c.load_id = l.load_id and c.system = l.system and c.stream = l.stream
)
"""
_READABLE_LOADS = """
create view scope.readable_loads as
select load_id, system, stream from scope.consumed_loads
union all
select load_id, system, stream from scope.loads
"""
_WAITING_LOADS = f"""
select l.system, l.stream, l.load_id from landing.loads l
left join landing.readings r on r.reading_id = l.reading_id
where not exists (
    select 1 from scope.consumed_loads c
    where c.load_id = l.load_id and c.system = l.system and c.stream = l.stream
) and (r.reading_id is null or r.status in {ADMITTED} or (r.status is null
    and (r.ended_at is not null or r.started_at < cast(:old as timestamptz))))
union all
select r.system, r.stream, r.reading_id from landing.readings r
where r.status is null and r.ended_at is not null and not exists (
    select 1 from landing.loads l where l.reading_id = r.reading_id
)
"""
_NEW_RECORDS = """
insert into scope.records (system, stream, record_id)
select distinct cast(:system as text), cast(:stream as text), r._record_id from {raw} r
where r._dlt_load_id in (
    select load_id from scope.loads where system = :system and stream = :stream
) and not exists (
    select 1 from scope.records s
    where s.system = :system and s.stream = :stream and s.record_id = r._record_id
)
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """The candidate that is being built.

    Attributes:
        opened_at: time that ages are counted from.
        loads: number of landed loads in it.
        records: records in it, by `<system>.<stream>`.
    """

    candidate_id: str
    opened_at: datetime
    loads: int
    records: Mapping[str, int]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was landed since the last release."""
        return not self.loads


def open_scope(warehouse: Warehouse) -> Scope:
    """Take every unconsumed load that passed the landing gate into the scope; start a candidate.

    A load that was not judged, or that is held, is left out with all its rows.

    Safe to repeat: what is in scope stays until a release consumes it. Nothing is done yet for the
    new candidate, so a refresh that began before cannot release any more and the newer one does
    all of it.
    """
    with warehouse.writer("open scope") as session:
        create_scope_tables(session)
        _add_new_loads(session)
        progress.start_over(session)
        candidate = uuid.uuid4().hex
        opened_at = datetime.now(UTC)
        session.execute("delete from scope.state")
        session.execute(
            "insert into scope.state (candidate_id, opened_at) values (:candidate, :opened_at)",
            {"candidate": candidate, "opened_at": opened_at},
        )
        return _read(session, candidate, opened_at)


def current_scope(session: Session) -> Scope | None:
    """Return the scope that was opened last, or None before the first one."""
    if not session.table_exists("scope", "state"):
        return None
    found = session.rows("select candidate_id, opened_at from scope.state")
    return _read(session, found[0]["candidate_id"], found[0]["opened_at"]) if found else None


def create_scope_tables(session: Session) -> None:
    """Create the tables of the scope that are missing, and the view of what models may read."""
    for name, columns in _TABLES.items():
        session.create_table("scope", name, columns)
    if not session.table_exists("scope", "readable_loads"):
        session.execute(_READABLE_LOADS)


def extend_with_customers(session: Session, queries: Iterable[str]) -> int:
    """Add customers to the scope.

    Args:
        session: inside the transaction that touched them.
        queries: each returns customer_id; null and what is in scope already are left out.

    Returns:
        How many were not in it yet.
    """
    found = " union ".join(f"select customer_id from ({query}) found" for query in queries)
    return session.execute(
        f"insert into scope.customers (customer_id) select customer_id from ({found}) touched"
        " where customer_id is not null and not exists ("
        "select 1 from scope.customers s where s.customer_id = touched.customer_id)"
    )


def consume(session: Session, release_number: int) -> int:
    """Mark the loads of the scope as taken in and empty it; call it in the release transaction.

    The release has made sure there that its build was made for the candidate in scope.

    Returns:
        The number of loads consumed.
    """
    count = session.execute(
        "insert into scope.consumed_loads (load_id, system, stream, release_number, consumed_at)"
        " select load_id, system, stream, cast(:release as bigint), cast(:now as timestamptz)"
        " from scope.loads",
        {"release": release_number, "now": datetime.now(UTC)},
    )
    for table in ("loads", "records", "customers"):
        session.execute(f"delete from scope.{table}")
    return count


def forget(warehouse: Warehouse) -> None:
    """Forget what was consumed, so that the next scope holds everything ever landed."""
    with warehouse.writer("forget consumed loads") as session:
        create_scope_tables(session)
        for table in ("consumed_loads", "loads", "records"):
            session.execute(f"delete from scope.{table}")


def unconsumed_loads(warehouse: Warehouse) -> list[str]:
    """What a refresh is due for, as `<system>.<stream>:<id>`.

    Landed loads that no release has taken in, and readings that landed nothing and were not judged.
    What the landing gate holds is due for nothing.
    """
    with warehouse.reader() as session:
        if not session.table_exists("landing", "loads"):
            return []
        if session.table_exists("landing", "readings") and session.table_exists(
            "scope", "consumed_loads"
        ):
            rows = session.rows(_WAITING_LOADS, {"old": datetime.now(UTC) - MAY_LAST})
        else:
            rows = session.rows("select system, stream, load_id from landing.loads")
    return sorted(f"{row['system']}.{row['stream']}:{row['load_id']}" for row in rows)


def filled_kinds(session: Session) -> set[str]:
    """Kinds of scope, as `in_scope` takes them, that have members."""
    kinds = set()
    for row in session.rows("select distinct system, stream from scope.records"):
        stream = f"{row['system']}.{row['stream']}"
        kinds |= {f"record:{stream}", f"id:{stream}"}
    if session.scalar("select count(*) from scope.customers"):
        kinds.add("customers")
    return kinds


def in_scope(meta_scope: Mapping[str, str]) -> str:
    """SQL condition that is true for the rows of a model that the scope touches.

    Args:
        meta_scope: the model's `config.meta.scope`: column to `customers`,
            `record:<system>.<stream>` (the vendor's ids) or `id:<system>.<stream>` (ours).

    Raises:
        FatalError: a kind is none of these.
    """
    return " or ".join(
        f"{column} in ({scoped_values(kind)})" for column, kind in meta_scope.items()
    )


def scoped_values(kind: str) -> str:
    """SQL query of the values of one kind that are in scope; see `in_scope` for the kinds."""
    if kind == "customers":
        return "select customer_id from scope.customers"
    form, _, stream_key = kind.partition(":")
    system, _, stream = stream_key.partition(".")
    if form not in ("record", "id") or not (system.isidentifier() and stream.isidentifier()):
        raise FatalError(
            f"{kind!r} is no kind of scope.",
            "write customers, record:<system>.<stream> or id:<system>.<stream> in its .yml.",
        )
    value = "record_id" if form == "record" else "system || ':' || record_id"
    return f"select {value} from scope.records where system = '{system}' and stream = '{stream}'"


def _add_new_loads(session: Session) -> None:
    if not session.table_exists("landing", "readings"):
        return
    session.execute("delete from scope.held_loads")
    session.execute(_HELD_LOADS)
    session.execute(_NOT_ADMITTED)
    new = session.rows(_NEW_LOADS)
    if not new:
        return
    session.append("scope", "loads", pa.Table.from_pylist(new, _TABLES["loads"]))
    for system, stream in sorted({(load["system"], load["stream"]) for load in new}):
        raw = qualified(f"raw_{system}", stream)
        session.execute(_NEW_RECORDS.format(raw=raw), {"system": system, "stream": stream})


def _read(session: Session, candidate: str, opened_at: datetime) -> Scope:
    counts = session.rows(
        "select system, stream, count(*) as records from scope.records group by system, stream"
    )
    return Scope(
        candidate_id=candidate,
        opened_at=opened_at,
        loads=session.scalar("select count(*) from scope.loads"),
        records={f"{row['system']}.{row['stream']}": row["records"] for row in counts},
    )
