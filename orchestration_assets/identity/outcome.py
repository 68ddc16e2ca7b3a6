"""Writing down what a run found: links, customers, and who moved from whom to whom, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from orchestration_assets.identity.clusters import Clusters
from orchestration_assets.identity.decisions import APART, Decision
from orchestration_assets.identity.keys import EXACT_KINDS, ROLE_KIND, open_memory
from orchestration_assets.identity.links import Links
from orchestration_assets.identity.tables import HISTORY, TABLES, put_work
from orchestration_assets.warehouse.session import Session

_KIND_NAMES = {number: name for name, number in EXACT_KINDS.items()} | {ROLE_KIND: "email"}

# Why a record went from one customer to another: a steward's word, a guard, records that came
# together, or a link that is no longer there.
_MOVES = """
create table moves as
with heirs as (
    select b.customer_id, count(distinct a.customer_id) as heirs
    from before b join after a using (record_key) group by b.customer_id
),
sources as (
    select a.customer_id, count(distinct b.customer_id) as sources
    from before b join after a using (record_key) group by a.customer_id
)
select
    b.record_key, b.system, b.record_id,
    b.customer_id as customer_id_before, a.customer_id as customer_id_after,
    case
        when a.customer_id is null then 'erased'
        when decided.reason is not null then decided.kind
        when heirs.heirs > 1 then 'split'
        when sources.sources > 1 then 'merge'
        else 'renamed'
    end as kind,
    case
        when a.customer_id is null then 'the record is no longer there'
        when decided.reason is not null then decided.reason
        when heirs.heirs > 1 and guarded.reason is not null
            then 'quarantined: ' || guarded.reason
        when heirs.heirs > 1 then 'what linked the records is no longer there'
        when sources.sources > 1 then 'linked by ' || coalesce(a.linked_by, 'another record')
        else 'the record that named the customer is no longer with it'
    end as reason
from before b
left join after a using (record_key)
left join heirs on heirs.customer_id = b.customer_id
left join sources on sources.customer_id = a.customer_id
left join decided on decided.component = a.component
left join guarded on guarded.component = a.component
where a.customer_id is distinct from b.customer_id
"""
_COUNTS = """
select
    (select count(*) from (
        select customer_id from after except select customer_id from before
    )) as new,
    (select count(*) from (
        select b.customer_id from before b join after a using (record_key)
        except select customer_id from after
    )) as merged,
    (select count(*) from (
        select b.customer_id from before b join after a using (record_key)
        group by b.customer_id having count(distinct a.customer_id) > 1
    )) as split,
    (select count(distinct customer_id) from after)
        - (select count(distinct customer_id) from before) as more
"""
_CUSTOMERS_MOVED = "select customer_id from identity.moved_customers"
_CUSTOMERS_IN_WORK = """
select customer_id from identity.customer_records
where record_key in (select record_key from identity.work_records)
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Customers that are new, ended in another, fell into several; and how many more there are."""

    new: int
    merged: int
    split: int
    more: int


def store_links(session: Session, links: Links, *, everybody: bool) -> None:
    """Write links, pairs to review and shared keys in place of those that were compared anew."""
    session.append("identity", "links", links.links)
    session.append("identity", "review", _dated(links.review))
    if not everybody:
        session.execute(
            "delete from identity.shared_identifiers where key_hash in"
            " (select key_hash from key_state)"
        )
        _forget_reported(session, links.shared)
    names = [_KIND_NAMES[kind] for kind in links.shared["kind"].to_pylist()]
    shared = links.shared.set_column(
        links.shared.schema.get_field_index("kind"), "kind", pa.array(names, pa.string())
    )
    session.append("identity", "shared_identifiers", _dated(shared))


def _forget_reported(session: Session, shared: pa.Table) -> None:
    put_work(session, shared["key_hash"])
    session.execute(
        "delete from identity.shared_identifiers where key_hash in"
        " (select record_key from identity.work_records)"
    )


def store(
    session: Session,
    people: pa.Table,
    clusters: Clusters,
    before: pa.Table,
    decided: Sequence[Decision],
) -> Counts:
    """Write the customers of the records that were reached, and the history of those that moved."""
    after = people.select(
        ["record_key", "system", "record_id", "first_loaded_at", "email", "phone_e164"]
    )
    for name in clusters.records.column_names:
        after = after.append_column(name, clusters.records[name])
    session.execute(
        "delete from identity.customer_records where record_key in"
        " (select record_key from reached_records)"
    )
    session.append("identity", "customer_records", after)
    session.execute(
        "delete from identity.quarantined_clusters where record_key in"
        " (select record_key from reached_records)"
    )
    with open_memory() as memory:
        memory.register("before", before)
        memory.register("after", after)
        memory.register("quarantined", clusters.quarantined)
        memory.execute(
            "create table guarded as select a.component, any_value(q.reason) as reason"
            " from quarantined q join after a using (record_key) group by a.component"
        )
        memory.register("words", _words(decided))
        memory.execute(
            "create table decided as select a.component, any_value(w.kind) as kind,"
            " any_value(w.reason) as reason"
            " from words w join after a on a.record_key in (w.one, w.other) group by a.component"
        )
        memory.execute(_MOVES)
        quarantined = memory.sql(
            "select q.record_key, a.customer_id, q.reason, q.records"
            " from quarantined q join after a using (record_key)"
        ).to_arrow_table()
        moves = memory.sql("select * exclude (record_key) from moves").to_arrow_table()
        counts = Counts(*memory.execute(_COUNTS).fetchall()[0])
    session.append("identity", "quarantined_clusters", _dated(quarantined))
    session.append("identity", "history", _history(moves))
    _store_moved(session, before, after)
    return counts


def _words(decided: Sequence[Decision]) -> pa.Table:
    schema = pa.schema(
        [
            ("one", pa.int64()),
            ("other", pa.int64()),
            ("kind", pa.string()),
            ("reason", pa.string()),
        ]
    )
    rows = [
        {
            "one": item.one,
            "other": item.other,
            "kind": "unlink" if item.kind == APART else "link",
            "reason": item.reason,
        }
        for item in decided
    ]
    return pa.Table.from_pylist(rows, schema)


def _history(moves: pa.Table) -> pa.Table:
    dated = _dated(moves, "changed_at")
    return dated.select(HISTORY.names).cast(HISTORY)


def _store_moved(session: Session, before: pa.Table, after: pa.Table) -> None:
    """Fill `moved_people`: records that are new, gone, or of another customer than before."""
    with open_memory() as memory:
        memory.register("before", before)
        memory.register("after", after)
        moved = memory.sql(
            "select coalesce(a.system, b.system) as system,"
            " coalesce(a.record_id, b.record_id) as record_id"
            " from before b full join after a using (record_key)"
            " where a.customer_id is distinct from b.customer_id"
        ).to_arrow_table()
        customers = memory.sql(
            "select distinct customer_id from ("
            " select b.customer_id from before b left join after a using (record_key)"
            " where a.customer_id is distinct from b.customer_id"
            " union all"
            " select a.customer_id from after a left join before b using (record_key)"
            " where a.customer_id is distinct from b.customer_id)"
        ).to_arrow_table()
    session.replace("identity", "moved_people", moved)
    session.replace("identity", "moved_customers", customers)


def touched_customers(session: Session, changed: pa.Array) -> list[str]:
    """Queries of the customers of changed records, and of both customers of each that moved."""
    put_work(session, changed)
    return [_CUSTOMERS_MOVED, _CUSTOMERS_IN_WORK]


def _dated(table: pa.Table, column: str = "found_at") -> pa.Table:
    now = pa.array([datetime.now(UTC)], TABLES["review"].field("found_at").type)
    return table.append_column(column, now.take(pa.array([0] * table.num_rows, pa.int32())))
