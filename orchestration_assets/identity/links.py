"""Links: pairs of records that belong to one person, and pairs that a person has to look at.

A key alone links nobody: families share numbers, colleagues share addresses. Where the names on a
key contradict each other the key is shared, and links only records whose names agree. Pairs that no
exact key links are scored with trained weights; names that contradict each other veto a score,
because everything else on it is what a household shares.
"""

from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.identity.keys import (
    FIRST_BLOCKING_KIND,
    MOST_RECORDS_OF_A_KEY,
    ROLE_KIND,
    open_memory,
)
from orchestration_assets.identity.pairs import Sample, score_pairs
from orchestration_assets.identity.weights import Weights

_KEY = pa.schema([("key_hash", pa.int64()), ("kind", pa.int32())])

PROBABLE = 4
"""Strength of a scored link, after the three exact kinds."""

_SHARED = f"""
create table shared as
select key_hash, any_value(kind) as kind
from pair_keys join scored using (one, other)
where kind < {FIRST_BLOCKING_KIND}
    and (names in ('stranger', 'relative') or (names = 'renamed' and kind = 3))
group by key_hash
union
select key_hash, kind from known_shared
"""
# A name that is missing speaks neither for nor against; on a shared key that is not enough.
_EXACT = f"""
create table exact as
select one, other, min(kind) as strength,
    bool_or(names in ('same', 'renamed') or kind = 1) as is_strong
from (
    select one, other, pair_keys.kind, names, shared.key_hash is null as is_personal
    from pair_keys
    join scored using (one, other)
    left join shared using (key_hash)
    where pair_keys.kind < {FIRST_BLOCKING_KIND}
)
where case
    when names = 'same' then true
    when kind = 1 then names <> 'stranger'
    when names = 'renamed' then kind = 2
    when names = 'unsure' then is_personal
    else false
end
group by one, other
"""
# Names speak for the pair, or a birth date, which a household does not share.
_PROBABLE = """
create table probable as
select
    one, other, weight,
    weight >= $accept and (names = 'same' or is_born_same_day or not $veto) as is_link
from scored
where weight >= $review and not exists (
    select 1 from exact where exact.one = scored.one and exact.other = scored.other
) and (names in ('same', 'unsure') or is_born_same_day or not $veto)
"""
_LINKS = f"""
select
    least(l.record_key, r.record_key) as one, greatest(l.record_key, r.record_key) as other,
    found.strength, found.is_strong, found.weight
from (
    select one, other, exact.strength, exact.is_strong, scored.weight
    from exact join scored using (one, other)
    union all
    select one, other, {PROBABLE}, false, weight from probable where is_link
) found
join positions l on l.position = found.one
join positions r on r.position = found.other
"""
_REVIEW = """
select
    least(l.record_key, r.record_key) as one, greatest(l.record_key, r.record_key) as other,
    weight
from probable
join positions l on l.position = probable.one
join positions r on r.position = probable.other
where not is_link
"""
_REPORT = f"""
select
    keys.key_hash, keys.kind, key_counts.records,
    case
        when keys.kind = {ROLE_KIND} then 'role_address'
        when key_counts.records > {MOST_RECORDS_OF_A_KEY} then 'too_many_records'
        else 'names_differ'
    end as reason
from keys
join key_counts using (key_hash)
left join shared using (key_hash)
where key_counts.records > 1 and keys.kind < {FIRST_BLOCKING_KIND}
    and (
        keys.kind = {ROLE_KIND}
        or key_counts.records > {MOST_RECORDS_OF_A_KEY}
        or shared.key_hash is not null
    )
group by all
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """From when a score counts.

    Args:
        accept_weight: log2 odds from which a scored pair is a link; 7 is 128 to 1.
        review_weight: log2 odds from which a scored pair is worth a steward's look; 2 is 4 to 1.
        names_can_veto: names that contradict each other overrule a score. Only where no two people
            of a household are among the records is it safe to do without.
    """

    accept_weight: float = 7.0
    review_weight: float = 2.0
    names_can_veto: bool = True


STANDARD = Policy()


@dataclass(frozen=True, slots=True)
class Links:
    """What keys and scores say.

    Attributes:
        links: one, other (record keys), strength (1 external id, 2 e-mail, 3 phone, 4 scored),
            is_strong (the names agree, or one system names the other's record), weight.
        review: one, other, weight of the pairs between accepted and rejected.
        shared: key_hash, kind, records, reason of the keys that do not link on their own.
        compared: number of pairs that were scored.
    """

    links: pa.Table
    review: pa.Table
    shared: pa.Table
    compared: int


def find_links(
    sample: Sample,
    weights: Weights,
    population: int,
    *,
    policy: Policy = STANDARD,
    known_shared: pa.Table | None = None,
) -> Links:
    """Compare the records that share a key.

    Args:
        sample: the records and their keys.
        weights: what a level of likeness says.
        population: people there may be, for the odds of a random pair.
        policy: from when a score counts.
        known_shared: key_hash, kind of keys that are known to be shared and not compared here.
    """
    with open_memory() as memory:
        memory.register(
            "known_shared", _KEY.empty_table() if known_shared is None else known_shared
        )
        score_pairs(memory, sample, weights, population)
        memory.execute(_SHARED)
        memory.execute(_EXACT)
        memory.execute(
            _PROBABLE,
            {
                "accept": policy.accept_weight,
                "review": policy.review_weight,
                "veto": policy.names_can_veto,
            },
        )
        return Links(
            links=memory.sql(_LINKS).to_arrow_table(),
            review=memory.sql(_REVIEW).to_arrow_table(),
            shared=memory.sql(_REPORT).to_arrow_table(),
            compared=int(memory.execute("select count(*) from scored").fetchall()[0][0]),
        )
