"""Clustering where a steward said that two records are two people.

Links are taken from the strongest to the weakest; one that would bring two such records into one
cluster is left out. The outcome depends on the links and the decisions alone, not on their order.
"""

from collections.abc import Sequence

import numpy as np


def join_within(
    count: int,
    one: np.ndarray,
    other: np.ndarray,
    keep: np.ndarray,
    order: tuple[np.ndarray, np.ndarray],
    forbidden: Sequence[tuple[int, int]],
) -> np.ndarray:
    """Return which links stay so that no forbidden pair ends in one cluster.

    Args:
        count: number of records.
        one: position of the first record of each link.
        other: position of the second one.
        keep: links that count at all.
        order: what links are taken by, first the first array, smallest first.
        forbidden: positions of records that must not be together.
    """
    label = _labels(count, one[keep], other[keep])
    concerned = {int(label[a]) for a, b in forbidden if label[a] == label[b]}
    stays = np.ones(len(one), dtype=bool)
    inside = np.flatnonzero(keep & np.isin(label[one], sorted(concerned)))
    ends = np.minimum(one, other), np.maximum(one, other)
    by = (*reversed(ends), *reversed(order))
    ranked = inside[np.lexsort(tuple(column[inside] for column in by))]
    root: dict[int, int] = {}
    against: dict[int, set[int]] = {}
    for a, b in forbidden:
        against.setdefault(a, set()).add(b)
        against.setdefault(b, set()).add(a)

    def find(record: int) -> int:
        while root.get(record, record) != record:
            record = root[record]
        return record

    for link in ranked.tolist():
        first, second = find(int(one[link])), find(int(other[link]))
        if first == second:
            continue
        if any(find(enemy) == second for enemy in against.get(first, ())):
            stays[link] = False
            continue
        root[second] = first
        against[first] = against.get(first, set()) | against.get(second, set())
    # A link whose two ends were joined over others already must not join what was kept apart.
    for link in ranked.tolist():
        if find(int(one[link])) != find(int(other[link])):
            stays[link] = False
    return stays


def _labels(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    return connected_components(graph, directed=False)[1]
