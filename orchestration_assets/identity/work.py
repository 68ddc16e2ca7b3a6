"""What one run works on: the records that changed, their neighbours, the clusters they touch.

All of it are set operations in the warehouse over `identity.*`; what is compared and clustered is
read into memory, and is as small as the change allows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.identity.decisions import Decision
from orchestration_assets.identity.keys import (
    FIRST_BLOCKING_KIND,
    LIMIT_OF_KIND,
    match_keys,
    record_keys,
)
from orchestration_assets.identity.normalise import normalised
from orchestration_assets.identity.pairs import Sample
from orchestration_assets.identity.resolve import key_counts
from orchestration_assets.identity.tables import (
    PEOPLE,
    PEOPLE_COLUMNS,
    delete_of_work,
    put_work,
)
from orchestration_assets.warehouse.session import Session

_CHANGED = f"""
create temporary table changed_people as
select distinct s.system, s.record_id from scope.records s
where exists (
    select 1 from {PEOPLE} p
    where p.system = s.system and p.stream = s.stream and p.record_id = s.record_id
) or exists (
    select 1 from identity.customer_records c
    where c.system = s.system and c.record_id = s.record_id
        and not exists (
            select 1 from {PEOPLE} p
            where p.system = s.system and p.record_id = s.record_id
        )
)
"""
_IN_WORK = "in (select record_key from identity.work_records)"
_KEYS_BEFORE = f"""
create temporary table keys_before as
select key_hash, kind, count(*) as records from identity.record_keys
where record_key {_IN_WORK} group by key_hash, kind
"""
# `outside` counts the records that did not change; a key on too many of them links nobody, before
# and after, and is not followed.
_KEY_STATE = f"""
create temporary table key_state as
with touched as (
    select key_hash, kind from keys_before
    union
    select key_hash, kind from identity.record_keys where record_key {_IN_WORK}
),
counted as (
    select
        k.key_hash,
        count(*) as records,
        sum(case when k.record_key {_IN_WORK} then 0 else 1 end) as outside
    from identity.record_keys k
    where k.key_hash in (select key_hash from touched)
    group by k.key_hash
),
limited as (
    select touched.*, {LIMIT_OF_KIND} as most from touched
)
select
    limited.key_hash, limited.kind,
    coalesce(counted.records, 0) as records,
    coalesce(counted.outside, 0) between 1 and limited.most as is_followed,
    coalesce(counted.outside, 0) between 1 and limited.most and (
        limited.kind < {FIRST_BLOCKING_KIND}
        or (coalesce(counted.records, 0) <= limited.most) <>
            (coalesce(counted.outside, 0) + coalesce(b.records, 0) <= limited.most)
    ) as is_affected
from limited
left join counted on counted.key_hash = limited.key_hash
left join keys_before b on b.key_hash = limited.key_hash
"""
_NEAR = f"""
create temporary table near_records as
select distinct record_key from identity.record_keys
where record_key {_IN_WORK} or key_hash in (select key_hash from key_state where is_followed)
"""
# Counts of the keys that changed; of the exact keys of everybody near, which tell which addresses
# and numbers are evidence; and of all keys of the records whose block got too big or small enough.
_COUNTS = f"""
select key_hash, records from key_state where records > 0
union all
select k.key_hash, count(*) as records from identity.record_keys k
where k.key_hash in (
    select near.key_hash from identity.record_keys near
    where near.kind < {FIRST_BLOCKING_KIND}
        and near.record_key in (select record_key from near_records)
    union
    select of_pairs.key_hash from identity.record_keys of_pairs
    where of_pairs.record_key in (select one from stale_pairs union select other from stale_pairs)
) and k.key_hash not in (select key_hash from key_state)
group by k.key_hash
"""
_KNOWN_SHARED = f"""
select s.key_hash, k.kind from identity.shared_identifiers s
join (
    select distinct key_hash, kind from identity.record_keys
    where record_key in (select record_key from near_records) and kind < {FIRST_BLOCKING_KIND}
) k on k.key_hash = s.key_hash
where s.reason = 'names_differ' and s.key_hash not in (
    select key_hash from key_state where is_affected
)
"""
_STALE = f"""
create temporary table stale_pairs as
select distinct a.record_key as one, b.record_key as other
from identity.record_keys a
join identity.record_keys b on b.key_hash = a.key_hash and a.record_key < b.record_key
where a.key_hash in (select key_hash from key_state where is_affected)
    and b.key_hash in (select key_hash from key_state where is_affected)
    and a.record_key not {_IN_WORK} and b.record_key not {_IN_WORK}
"""
_GONE = f"""
create temporary table {{name}} as
select t.one, t.other from identity.{{table}} t where t.one {_IN_WORK}
union
select t.one, t.other from identity.{{table}} t where t.other {_IN_WORK}
union
select t.one, t.other from identity.{{table}} t
join stale_pairs s on s.one = t.one and s.other = t.other
"""
_TEMPORARY = (
    "changed_people",
    "keys_before",
    "key_state",
    "near_records",
    "stale_pairs",
    "gone_links",
    "gone_review",
    "reached_components",
    "reached_records",
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What is compared.

    Attributes:
        sample: the records; `changed` is None where it is everybody.
        known_shared: keys that are known to be shared and not compared anew.
        touched: keys of the records whose links may be others than before.
    """

    sample: Sample
    known_shared: pa.Table | None
    touched: pa.Array


def take_in(
    session: Session, default_region: str, decided: Iterable[Decision], *, anew: bool = False
) -> pa.Array:
    """Bring `people` and its keys up to what is in scope; on the first run `people` alone.

    Args:
        session: inside the transaction of the run.
        default_region: ISO country for phone numbers of records that name no country.
        decided: stewards' decisions that are new or withdrawn; their records count as changed.
        anew: read every record of the model, whatever is in scope.

    Returns:
        the keys of the records that changed, erased ones included.
    """
    for name in _TEMPORARY:
        session.execute(f"drop table if exists {name}")
    if anew:
        session.execute("delete from identity.people")
    if not session.scalar("select count(*) from identity.people"):
        present = session.arrow(f"select {PEOPLE_COLUMNS} from {PEOPLE} p")
        people = normalised(present, default_region)
        session.append("identity", "people", people)
        return people["record_key"].combine_chunks()
    session.execute(_CHANGED)
    changed = session.arrow("select system, record_id from changed_people")
    present = session.arrow(
        f"select {PEOPLE_COLUMNS} from {PEOPLE} p join changed_people w"
        " on w.system = p.system and w.record_id = p.record_id"
    )
    keys = record_keys(changed["system"], changed["record_id"])
    sides = [side for decision in decided for side in (decision.one, decision.other)]
    work = pc.unique(pa.concat_arrays([keys.combine_chunks(), pa.array(sides, pa.int64())]))
    put_work(session, work)
    session.execute(_KEYS_BEFORE)
    people = normalised(present, default_region)
    # A record that a decision names did not change itself: its row and its keys stay.
    put_work(session, keys)
    delete_of_work(session, "people", "record_keys")
    session.append("identity", "people", people)
    session.append("identity", "record_keys", match_keys(people))
    put_work(session, work)
    return work


def near(session: Session, changed: pa.Array) -> Compared:
    """The changed records with all that share a key with them; forgets the links that changed."""
    session.execute(_KEY_STATE)
    session.execute(_NEAR)
    session.execute(_STALE)
    for table in ("links", "review"):
        session.execute(_GONE.format(name=f"gone_{table}", table=table))
        session.execute(
            f"delete from identity.{table} where (one, other) in"
            f" (select one, other from gone_{table})"
        )
    gone = session.arrow("select one, other from gone_links")
    of_near = "record_key in (select record_key from near_records)"
    return Compared(
        sample=Sample(
            people=session.arrow(f"select * from identity.people where {of_near}"),
            keys=session.arrow(f"select * from identity.record_keys where {of_near}"),
            key_counts=session.arrow(_COUNTS),
            changed=changed,
            due_pairs=session.arrow("select one, other from stale_pairs"),
        ),
        known_shared=session.arrow(_KNOWN_SHARED),
        touched=pa.concat_arrays(
            [changed, *(gone[side].combine_chunks() for side in ("one", "other"))]
        ),
    )


def everybody(session: Session) -> Compared:
    """All records, their keys made anew; forgets all links."""
    for table in ("links", "review", "shared_identifiers", "quarantined_clusters"):
        session.execute(f"delete from identity.{table}")
    people = session.arrow("select * from identity.people")
    keys = match_keys(people)
    session.replace("identity", "record_keys", keys)
    return Compared(
        sample=Sample(people, keys, key_counts(keys)),
        known_shared=None,
        touched=people["record_key"].combine_chunks(),
    )


def reached(session: Session, touched: pa.Array) -> None:
    """Fill `reached_records` with all records of the clusters that were touched, before guards."""
    put_work(session, pc.unique(touched))
    session.execute(
        "create temporary table reached_components as select distinct component"
        f" from identity.customer_records where record_key {_IN_WORK}"
    )
    session.execute(
        "create temporary table reached_records as select record_key"
        " from identity.customer_records where component in"
        " (select component from reached_components)"
        " union select record_key from identity.work_records"
    )
