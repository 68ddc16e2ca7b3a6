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

# A record that was resolved before counts although it is no longer there: it was erased.
_CHANGED = f"""
create temporary table changed_people as
select distinct s.system, s.record_id from scope.records s
join {PEOPLE} p on p.system = s.system and p.stream = s.stream and p.record_id = s.record_id
union
select distinct s.system, s.record_id from scope.records s
join identity.customer_records c on c.system = s.system and c.record_id = s.record_id
"""
_IN_WORK = "in (select record_key from identity.work_records)"
_KEYS_BEFORE = """
create temporary table keys_before as
select key_hash, kind, count(*) as records from identity.record_keys
where {condition} group by key_hash, kind
"""
_KNOWN = f"select count(*) from identity.people where record_key {_IN_WORK}"
_HOLDERS = f"""
create temporary table key_holders as
select key_hash, kind, record_key, record_key {_IN_WORK} as is_work
from identity.record_keys
where key_hash in (select key_hash from keys_before union select key_hash from identity.new_keys)
"""
# `outside` counts the records that did not change; a key on too many of them links nobody, before
# and after, and is not followed.
_KEY_STATE = f"""
create temporary table key_state as
with counted as (
    select
        key_hash, kind, count(*) as records, sum(case when is_work then 0 else 1 end) as outside
    from key_holders group by key_hash, kind
    union all
    select key_hash, kind, 0, 0 from keys_before
    where key_hash not in (select key_hash from key_holders)
),
limited as (
    select counted.*, counted.outside + coalesce(b.records, 0) as before, {LIMIT_OF_KIND} as most
    from counted left join (select key_hash, records from keys_before) b
        on b.key_hash = counted.key_hash
)
select
    key_hash, kind, records,
    outside between 1 and most as is_followed,
    outside between 1 and most and (
        kind < {FIRST_BLOCKING_KIND} or (records <= most) <> (before <= most)
    ) as is_affected
from limited
"""
_NEAR = """
create temporary table near_records as
select record_key from key_holders
where key_hash in (select key_hash from key_state where is_followed)
union
select record_key from identity.work_records
"""
_NEAR_KEYS = """
create temporary table near_keys as
select * from identity.record_keys where record_key in (select record_key from near_records)
"""
_STALE = """
create temporary table stale_pairs as
with affected as (
    select key_hash, record_key from key_holders
    where not is_work and key_hash in (select key_hash from key_state where is_affected)
)
select distinct a.record_key as one, b.record_key as other
from affected a
join affected b on b.key_hash = a.key_hash and a.record_key < b.record_key
"""
# Counts of the keys that changed; of the exact keys of everybody near, which tell which addresses
# and numbers are evidence; and of all keys of the records whose block got too big or small enough.
_COUNTS = f"""
select key_hash, records from key_state where records > 0
union all
select k.key_hash, count(*) as records from identity.record_keys k
where k.key_hash in (
    select key_hash from near_keys
    where kind < {FIRST_BLOCKING_KIND} or record_key in (
        select one from stale_pairs union select other from stale_pairs
    )
    except select key_hash from key_state
)
group by k.key_hash
"""
_KNOWN_SHARED = f"""
select distinct s.key_hash, k.kind from identity.shared_identifiers s
join near_keys k on k.key_hash = s.key_hash
where s.reason = 'names_differ' and k.kind < {FIRST_BLOCKING_KIND} and s.key_hash not in (
    select key_hash from key_state where is_affected
)
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
    "key_holders",
    "near_records",
    "near_keys",
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
    # Records that are new have no keys to look for among all others.
    any_known = session.scalar(_KNOWN) > 0
    condition = f"record_key {_IN_WORK}" if any_known else "false"
    session.execute(_KEYS_BEFORE.format(condition=condition))
    people = normalised(present, default_region)
    # A record that a decision names did not change itself: its row and its keys stay.
    put_work(session, keys)
    if any_known:
        delete_of_work(session, "people", "record_keys")
    session.append("identity", "people", people)
    new_keys = match_keys(people)
    session.append("identity", "record_keys", new_keys)
    session.replace("identity", "new_keys", new_keys.select(["key_hash"]))
    put_work(session, work)
    return work


def near(session: Session, changed: pa.Array) -> Compared:
    """The changed records with all that share a key with them; forgets the links that changed."""
    for statement in (_HOLDERS, _KEY_STATE, _NEAR, _NEAR_KEYS, _STALE):
        session.execute(statement)
    for table in ("links", "review"):
        session.execute(_GONE.format(name=f"gone_{table}", table=table))
        session.execute(
            f"delete from identity.{table} where (one, other) in"
            f" (select one, other from gone_{table})"
        )
    gone = session.arrow("select one, other from gone_links")
    return Compared(
        sample=Sample(
            people=session.arrow(
                "select * from identity.people"
                " where record_key in (select record_key from near_records)"
            ),
            keys=session.arrow("select * from near_keys"),
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
    # Those who are no longer there are touched too: they leave their customers.
    known = session.arrow(
        "select record_key from identity.people"
        " union select record_key from identity.customer_records"
    )
    return Compared(
        sample=Sample(people, keys, key_counts(keys)),
        known_shared=None,
        touched=known["record_key"].combine_chunks(),
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
