"""Clusters of linked records, and the customer id that each one gets.

The id comes from the cluster's anchor, the record that was landed first. A cluster that grows keeps
its id, a cluster that falls apart gives its parts the ids they had, and a rebuild from the raw
tables gives the same ids again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration_assets.identity.constraints import join_within
from orchestration_assets.identity.keys import open_memory
from orchestration_assets.identity.names import AGREE

MOST_RECORDS_OF_A_CUSTOMER = 50
"""A cluster above this is taken apart: no customer has so many records, an error chain does."""

LONGEST_CHAIN = 8
"""Links between the two ends of a cluster; one that is longer holds people who share nothing."""

STRENGTHS = ("steward", "external_id", "email", "phone", "probable")
"""What linked a record, by the number of the evidence, strongest first."""

TOO_MANY_RECORDS, LONG_CHAIN, CONTRADICTION = "too_many_records", "long_chain", "names_differ"

_CONTRADICTIONS = f"""
with members as (
    select members.position, members.cluster, people.first, people.last
    from members join people using (position)
),
big as (
    select cluster from members
    group by cluster having count(*) between 3 and {MOST_RECORDS_OF_A_CUSTOMER}
)
select distinct a.cluster
from members a
join big using (cluster)
join members b on a.cluster = b.cluster and a.position < b.position
where agree(a.first, b.first) = 0
    and coalesce(agree(a.first, b.last) = 1 and agree(a.last, b.first) = 1, false) = false
    and not exists (
        select 1 from links
        where links.one = a.position and links.other = b.position
            or links.one = b.position and links.other = a.position
    )
"""
_IDS = """
select 'cus_' || left(sha256(system || '|' || record_id), 16) as customer_id
from people join anchors on people.position = anchors.anchor
order by anchors.cluster
"""


@dataclass(frozen=True, slots=True)
class Clusters:
    """The customer of each record.

    Attributes:
        records: customer_id, linked_by (strongest evidence, null where the record stands alone) and
            component (number of all that its links reach, before guards), by position.
        quarantined: record_key of the anchor, reason, records of every cluster that was taken apart
            instead of being merged.
    """

    records: pa.Table
    quarantined: pa.Table


def cluster(people: pa.Table, links: pa.Table, apart: Iterable[tuple[int, int]] = ()) -> Clusters:
    """Join linked records, take suspicious clusters apart, and name what is left.

    Args:
        people: record_key, system, record_id, first_loaded_at, first, last.
        links: one, other (record keys), strength, is_strong, weight.
        apart: pairs of record keys that a steward said are two people.
    """
    if not people.num_rows:
        return Clusters(_records([], [], []), _quarantined([]))
    key = people["record_key"].to_numpy()
    order = np.argsort(key, kind="stable")
    one, other = (_positions(key, order, links[name].to_numpy()) for name in ("one", "other"))
    strength, is_strong = links["strength"].to_numpy(), links["is_strong"].to_numpy()
    anchor_rank = _anchor_rank(people)
    reached = _components(len(key), one, other)
    keep, found = _guarded(people, one, other, is_strong, reached, anchor_rank)
    forbidden = _forbidden(key, order, apart)
    if forbidden:
        keep &= join_within(
            len(key), one, other, keep, (strength, -links["weight"].to_numpy()), forbidden
        )
    labels = _components(len(key), one[keep], other[keep])
    component = np.full(reached.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(component, reached, key)
    return Clusters(
        records=_records(
            _ids(people, labels, anchor_rank),
            _linked_by(len(key), one[keep], other[keep], strength[keep]),
            component[reached],
        ),
        quarantined=_quarantined(
            [(int(key[anchor]), reason, records) for anchor, reason, records in found]
        ),
    )


def customer_id(system: str, record_id: str) -> str:
    """The id of the customer whose anchor is this record."""
    return "cus_" + hashlib.sha256(f"{system}|{record_id}".encode()).hexdigest()[:16]


def _positions(key: np.ndarray, order: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted record key stands in `key`; every one of them does."""
    return order[np.searchsorted(key, wanted, sorter=order)].astype(np.int64)


def _forbidden(
    key: np.ndarray, order: np.ndarray, apart: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    known = set(key.tolist())
    pairs = [pair for pair in apart if pair[0] in known and pair[1] in known]
    if not pairs:
        return []
    sides = np.array(pairs, dtype=np.int64)
    return list(
        zip(
            _positions(key, order, sides[:, 0]).tolist(),
            _positions(key, order, sides[:, 1]).tolist(),
            strict=True,
        )
    )


def _components(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _guarded(
    people: pa.Table,
    one: np.ndarray,
    other: np.ndarray,
    is_strong: np.ndarray,
    reached: np.ndarray,
    anchor_rank: np.ndarray,
) -> tuple[np.ndarray, list[tuple[int, str, int]]]:
    """Which links stay, and (anchor, reason, records) of each cluster that lost some.

    A suspicious cluster keeps its strong links; where it is still too big, none.
    """
    sizes = np.bincount(reached, minlength=1)
    reasons = dict.fromkeys(_contradicted(people, reached, one, other), CONTRADICTION)
    reasons |= dict.fromkeys(_long_chains(reached, sizes, one, other), LONG_CHAIN)
    reasons |= dict.fromkeys(
        np.flatnonzero(sizes > MOST_RECORDS_OF_A_CUSTOMER).tolist(), TOO_MANY_RECORDS
    )
    suspicious = np.array(sorted(reasons), dtype=reached.dtype)
    keep = ~np.isin(reached[one], suspicious) | is_strong
    labels = _components(len(reached), one[keep], other[keep])
    still = np.flatnonzero(np.bincount(labels, minlength=1) > MOST_RECORDS_OF_A_CUSTOMER)
    keep &= ~np.isin(labels[one], still)
    anchors = _anchors(reached, anchor_rank)
    lost = set(np.unique(reached[one[~keep]]).tolist())
    found = [
        (int(anchors[label]), reason, int(sizes[label]))
        for label, reason in sorted(reasons.items())
        if label in lost
    ]
    return keep, found


def _contradicted(
    people: pa.Table, labels: np.ndarray, one: np.ndarray, other: np.ndarray
) -> list[int]:
    """Clusters that hold two first names which nothing links directly."""
    positions = np.arange(len(labels), dtype=np.int64)
    with open_memory() as memory:
        memory.register(
            "people",
            pa.table({"position": positions, "first": people["first"], "last": people["last"]}),
        )
        memory.register("members", pa.table({"position": positions, "cluster": labels}))
        memory.register("links", pa.table({"one": one, "other": other}))
        memory.execute(AGREE)
        return [label for (label,) in memory.execute(_CONTRADICTIONS).fetchall()]


def _long_chains(
    labels: np.ndarray, sizes: np.ndarray, one: np.ndarray, other: np.ndarray
) -> list[int]:
    """Clusters whose two ends are more than `LONGEST_CHAIN` links apart.

    Only those between a chain's least size and the most records of a customer are looked at.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import shortest_path

    wanted = np.flatnonzero((sizes > LONGEST_CHAIN + 1) & (sizes <= MOST_RECORDS_OF_A_CUSTOMER))
    if not len(wanted):
        return []
    inside = np.isin(labels[one], wanted)
    one, other = one[inside], other[inside]
    by_label = np.argsort(labels[one], kind="stable")
    starts = np.searchsorted(labels[one][by_label], wanted)
    ends = np.searchsorted(labels[one][by_label], wanted, side="right")
    found = []
    for label, start, end in zip(wanted.tolist(), starts.tolist(), ends.tolist(), strict=True):
        edges = by_label[start:end]
        _, ends_of = np.unique([one[edges], other[edges]], return_inverse=True)
        pairs = ends_of.reshape(2, -1)
        count = int(pairs.max()) + 1
        graph = coo_array(
            (np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(count, count)
        ).tocsr()
        if shortest_path(graph, directed=False, unweighted=True).max() > LONGEST_CHAIN:
            found.append(label)
    return found


def _anchor_rank(people: pa.Table) -> np.ndarray:
    """Place of each record in the order of landing."""
    import pyarrow.compute as pc

    columns = ("first_loaded_at", "system", "record_id")
    order = pc.sort_indices(people, [(name, "ascending") for name in columns]).to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _anchors(labels: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Position of the record of each cluster that was landed first."""
    first = np.full(labels.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, labels, rank)
    by_rank = np.empty(len(rank), dtype=np.int64)
    by_rank[rank] = np.arange(len(rank))
    return by_rank[first]


def _ids(people: pa.Table, labels: np.ndarray, rank: np.ndarray) -> pa.Array:
    anchors = _anchors(labels, rank)
    with open_memory() as memory:
        positions = np.arange(people.num_rows, dtype=np.int64)
        memory.register(
            "people",
            pa.table(
                {
                    "position": positions,
                    "system": people["system"],
                    "record_id": people["record_id"],
                }
            ),
        )
        memory.register(
            "anchors",
            pa.table({"cluster": np.arange(len(anchors), dtype=np.int64), "anchor": anchors}),
        )
        names = memory.sql(_IDS).to_arrow_table()["customer_id"].combine_chunks()
    return names.take(pa.array(labels))


def _linked_by(count: int, one: np.ndarray, other: np.ndarray, strength: np.ndarray) -> pa.Array:
    alone = len(STRENGTHS)
    best = np.full(count, alone, dtype=np.int64)
    np.minimum.at(best, one, strength)
    np.minimum.at(best, other, strength)
    return pa.array([*STRENGTHS, None], pa.string()).take(pa.array(best))


def _records(ids: object, linked_by: object, component: object) -> pa.Table:
    schema = pa.schema(
        [("customer_id", pa.string()), ("linked_by", pa.string()), ("component", pa.int64())]
    )
    return pa.table(
        {"customer_id": ids, "linked_by": linked_by, "component": component}, schema=schema
    )


def _quarantined(found: list[tuple[int, str, int]]) -> pa.Table:
    schema = pa.schema(
        [("record_key", pa.int64()), ("reason", pa.string()), ("records", pa.int64())]
    )
    rows = [dict(zip(schema.names, row, strict=True)) for row in found]
    return pa.Table.from_pylist(rows, schema)
