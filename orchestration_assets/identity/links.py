"""Links: pairs of records that share a key and whose names do not speak against it.

A key alone links nobody: families share numbers, colleagues share addresses. Where the names on a
key contradict each other the key is shared, and links only records whose names agree.
"""

from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.identity.keys import MOST_RECORDS_OF_A_KEY, open_memory

ALIKE = 0.86
"""Jaro-Winkler similarity from which two spellings count as one name (typing errors)."""

# 1: the same name, 0: two names, null: one is missing or no more than an initial.
_AGREE = f"""
create macro agree(a, b) as case
    when a is null or b is null then null
    when a = b or replace(a, ' ', '') = replace(b, ' ', '') then 1
    when length(a) = 1 or length(b) = 1 then if(left(a, 1) = left(b, 1), null, 0)
    when list_has_any(
        list_filter(split(a, ' '), lambda word: length(word) > 2), split(b, ' ')
    ) then 1
    when jaro_winkler_similarity(a, b) >= {ALIKE} then 1
    when least(length(a), length(b)) > 2 and damerau_levenshtein(a, b) = 1 then 1
    else 0
end
"""
_PAIRS = """
create table pairs as
with usable as (
    select keys.* from keys join key_counts using (key_hash)
    where key_counts.records between 2 and $limit and not keys.is_role
),
compared as (
    select
        a.position as one, b.position as other, a.kind, a.key_hash,
        agree(p.first, q.first) as firsts, agree(p.last, q.last) as lasts,
        agree(p.first, q.last) = 1 and agree(p.last, q.first) = 1 as is_swapped
    from usable a
    join usable b on a.key_hash = b.key_hash and a.position < b.position
    join people p on p.position = a.position
    join people q on q.position = b.position
)
select
    one, other, kind, key_hash,
    case
        when is_swapped then 'same'
        when firsts = 1 and lasts = 1 then 'same'
        when firsts = 1 and lasts = 0 then 'renamed'
        when firsts = 0 and lasts = 0 then 'stranger'
        when firsts = 0 or lasts = 0 then 'relative'
        else 'unsure'
    end as names
from compared
"""
_SHARED = """
create table shared as
select key_hash, any_value(kind) as kind from pairs
where names in ('stranger', 'relative') or (names = 'renamed' and kind = 'phone')
group by key_hash
"""
# A name that is missing speaks neither for nor against; on a shared key that is not enough.
_LINKS = """
select
    one, other,
    min(case pairs.kind when 'external_id' then 1 when 'email' then 2 else 3 end) as strength,
    bool_or(names in ('same', 'renamed') or pairs.kind = 'external_id') as is_strong
from pairs left join shared using (key_hash)
where case
    when names = 'same' then true
    when pairs.kind = 'external_id' then names <> 'stranger'
    when names = 'renamed' then pairs.kind = 'email'
    when names = 'unsure' then shared.key_hash is null
    else false
end
group by one, other
order by one, other
"""
_REPORT = """
with reasons as (
    select
        keys.key_hash, keys.kind, key_counts.records,
        case
            when bool_or(keys.is_role) then 'role_address'
            when key_counts.records > $limit then 'too_many_records'
            when bool_or(shared.key_hash is not null) then 'names_differ'
        end as reason
    from keys
    join key_counts using (key_hash)
    left join shared using (key_hash)
    where key_counts.records > 1
    group by keys.key_hash, keys.kind, key_counts.records
)
select key_hash, kind, records, reason from reasons where reason is not null order by key_hash
"""
_CONTRADICTIONS = """
with members as (
    select members.position, members.cluster, people.first, people.last
    from members join people using (position)
),
big as (select cluster from members group by cluster having count(*) between 3 and $limit)
select distinct a.cluster
from members a
join big using (cluster)
join members b on a.cluster = b.cluster and a.position < b.position
where agree(a.first, b.first) = 0
    and coalesce(agree(a.first, b.last) = 1 and agree(a.last, b.first) = 1, false) = false
    and not exists (
        select 1 from links where links.one = a.position and links.other = b.position
    )
order by 1
"""


@dataclass(frozen=True, slots=True)
class Links:
    """What the keys say.

    Attributes:
        links: one, other (positions), strength (1 external id, 2 e-mail, 3 phone), is_strong (the
            names agree, or one system names the other's record).
        shared: key_hash, kind, records, reason of the keys that do not link on their own.
    """

    links: pa.Table
    shared: pa.Table


def find_links(people: pa.Table, keys: pa.Table, key_counts: pa.Table) -> Links:
    """Compare the records that share a key.

    Args:
        people: normalised people.
        keys: their keys.
        key_counts: key_hash, records: how many records of the whole warehouse have the key.
    """
    with open_memory() as memory:
        memory.register("people", people)
        memory.register("keys", keys)
        memory.register("key_counts", key_counts)
        memory.execute(_AGREE)
        memory.execute(_PAIRS, {"limit": MOST_RECORDS_OF_A_KEY})
        memory.execute(_SHARED)
        return Links(
            links=memory.sql(_LINKS).to_arrow_table(),
            shared=memory.sql(_REPORT, params={"limit": MOST_RECORDS_OF_A_KEY}).to_arrow_table(),
        )


def contradicted_clusters(
    people: pa.Table, members: pa.Table, links: pa.Table, most_members: int
) -> list[int]:
    """Return clusters that hold two records of different first names which nothing links directly.

    They came together over a third record. `members` has position and cluster.
    """
    with open_memory() as memory:
        memory.register("people", people)
        memory.register("members", members)
        memory.register("links", links)
        memory.execute(_AGREE)
        found = memory.execute(_CONTRADICTIONS, {"limit": most_members}).fetchall()
    return [cluster for (cluster,) in found]
