"""Precision and recall over all pairs of records, counted in SQL because there are millions."""

from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.identity.keys import open_memory

_PAIRS = "coalesce(sum(n * (n - 1) / 2), 0)"
_COUNTS = f"""
select
    (select {_PAIRS} from (select count(*) as n from records group by person)),
    (select {_PAIRS} from (select count(*) as n from records group by customer)),
    (select {_PAIRS} from (select count(*) as n from records group by person, customer))
"""


@dataclass(frozen=True)
class Quality:
    """How many of the joined pairs belong together, and how many that do were joined."""

    precision: float
    recall: float


def pair_quality(truth: pa.Table, customers: pa.Table, keys: list[str]) -> Quality:
    """Compare customers with people.

    Args:
        truth: `person` of each record.
        customers: `customer` of each record; one that is missing counts as alone.
        keys: columns of both tables that name a record.
    """
    with open_memory() as memory:
        memory.register("truth", truth)
        memory.register("customers", customers)
        memory.execute(
            "create table records as select truth.person,"
            " coalesce(cast(customers.customer as text), 'alone ' || row_number() over ())"
            f" as customer from truth left join customers using ({', '.join(keys)})"
        )
        same, joined, correct = memory.execute(_COUNTS).fetchall()[0]
    return Quality(correct / joined if joined else 1.0, correct / same if same else 1.0)
