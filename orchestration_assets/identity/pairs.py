"""Pairs of records that share a key, each with a weight and with what their names say."""

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.identity.comparisons import LEAST_FREQUENCY
from orchestration_assets.identity.keys import LIMIT_OF_KIND, MOST_RECORDS_OF_A_KEY
from orchestration_assets.identity.names import AGREE
from orchestration_assets.identity.weights import Weights

_USABLE = f"""
create table usable as
select positions.position, keys.kind, keys.key_hash, positions.is_changed
from keys
join key_counts counts using (key_hash)
join positions using (record_key)
where counts.records between 2 and {LIMIT_OF_KIND}
"""
_PAIR_KEYS = """
create table pair_keys as
select
    a.position as one, b.position as other, a.kind, a.key_hash,
    a.is_changed or b.is_changed as is_due
from usable a
join usable b on a.key_hash = b.key_hash and a.position < b.position
"""
# An address or a number that stands for many people or for a function is no evidence.
_EVIDENCE = f"""
create table evidence as
with known as (
    select keys.record_key, keys.kind from keys left join key_counts using (key_hash)
    where kind in (2, 3) and coalesce(key_counts.records, 1) <= {MOST_RECORDS_OF_A_KEY}
),
flags as (
    select
        record_key, bool_or(kind = 2) as has_email, bool_or(kind = 3) as has_phone
    from known group by record_key
)
select
    positions.position, people.first, people.last,
    if(flags.has_email, people.email, null) as email,
    if(flags.has_phone, people.phone, null) as phone,
    if(flags.has_phone, people.other_phone, null) as other_phone,
    people.shop_id, people.birth_date, people.street, people.house, people.city, people.postal,
    greatest(f.share, {LEAST_FREQUENCY["first"]}) as first_share,
    greatest(l.share, {LEAST_FREQUENCY["last"]}) as last_share
from people
join positions using (record_key)
left join flags using (record_key)
left join frequencies f on f.name_column = 'first' and f.name = people.first
left join frequencies l on l.name_column = 'last' and l.name = people.last
"""
_COLUMNS = (
    "first last email phone other_phone shop_id birth_date street house city postal"
    " first_share last_share"
).split()
_SCORED = """
create table scored as
with pairs as (
    select one, other from pair_keys group by one, other having bool_or(is_due)
    union
    select pair_keys.one, pair_keys.other
    from due_pairs
    join positions a on a.record_key = due_pairs.one
    join positions b on b.record_key = due_pairs.other
    join pair_keys
        on pair_keys.one = least(a.position, b.position)
        and pair_keys.other = greatest(a.position, b.position)
),
sides as (
    select one, other, {sides}
    from pairs
    join evidence l on l.position = pairs.one
    join evidence r on r.position = pairs.other
),
compared as (
    select
        one, other, first_l, first_r, last_l, last_r,
        agree(first_l, first_r) as firsts, agree(last_l, last_r) as lasts,
        birth_date_l = birth_date_r as is_born_same_day,
            {score} as weight
    from sides
)
select
    one, other, weight,
    case
        when firsts = 1 and lasts = 1 then 'same'
        when agree(first_l, last_r) = 1 and agree(last_l, first_r) = 1 then 'same'
        -- With another last name, a first name that is just alike is another person's.
        when firsts = 1 and lasts = 0 then if(
            first_l = first_r or damerau_levenshtein(first_l, first_r) = 1, 'renamed', 'relative'
        )
        when firsts = 0 and lasts = 0 then 'stranger'
        when firsts = 0 or lasts = 0 then 'relative'
        else 'unsure'
    end as names,
    coalesce(is_born_same_day, false) as is_born_same_day
from compared
"""


_PAIR = pa.schema([("one", pa.int64()), ("other", pa.int64())])


@dataclass(frozen=True, slots=True)
class Sample:
    """What is compared.

    Args:
        people: normalised people.
        keys: their keys (record_key, kind, key_hash).
        key_counts: key_hash, records: how many records of the whole warehouse have the key; a key
            that is missing brings nobody together.
        changed: record keys whose pairs are all compared; None for everybody.
        due_pairs: one, other (record keys) of further pairs to compare; None for none.
    """

    people: pa.Table
    keys: pa.Table
    key_counts: pa.Table
    changed: pa.Array | None = None
    due_pairs: pa.Table | None = None


def score_pairs(
    memory: duckdb.DuckDBPyConnection, sample: Sample, weights: Weights, population: int
) -> None:
    """Make the tables `positions`, `pair_keys` and `scored`, and the tables of the sample.

    `pair_keys` has one row for each pair and key that it shares (one and other are positions),
    `scored` one for each pair: weight, names (same, renamed, relative, stranger, unsure),
    is_born_same_day.

    Args:
        memory: an empty engine.
        sample: what is compared.
        weights: what a level of likeness says.
        population: people there may be, for the odds of a random pair.
    """
    memory.register("people", sample.people)
    memory.register("keys", sample.keys)
    memory.register("key_counts", sample.key_counts)
    memory.register(
        "due_pairs", _PAIR.empty_table() if sample.due_pairs is None else sample.due_pairs
    )
    memory.register("positions", _positions(sample))
    memory.register("frequencies", _frequencies(weights))
    for statement in (AGREE, _USABLE, _PAIR_KEYS, _EVIDENCE):
        memory.execute(statement)
    sides = ", ".join(f"l.{name} as {name}_l, r.{name} as {name}_r" for name in _COLUMNS)
    memory.execute(_SCORED.format(sides=sides, score=weights.score_sql(population)))


def _positions(sample: Sample) -> pa.Table:
    count = sample.people.num_rows
    record_key = sample.people["record_key"]
    is_changed = (
        pa.array(np.ones(count, dtype=bool))
        if sample.changed is None
        else pc.is_in(record_key, value_set=sample.changed)
    )
    return pa.table(
        {
            "position": np.arange(count, dtype=np.int32),
            "record_key": record_key,
            "is_changed": is_changed,
        }
    )


def _frequencies(weights: Weights) -> pa.Table:
    rows = [
        {"name_column": column, "name": name, "share": share}
        for column, names in weights.frequencies.items()
        for name, share in names.items()
    ]
    schema = pa.schema(
        [("name_column", pa.string()), ("name", pa.string()), ("share", pa.float64())]
    )
    return pa.Table.from_pylist(rows, schema)
