"""Clusters of linked records, and the customer id that each one gets.

The id comes from the cluster's anchor, the record that was landed first. A cluster that grows keeps
its id, and a rebuild from the raw tables gives the same ids again.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.identity.links import contradicted_clusters

MOST_RECORDS_OF_A_CUSTOMER = 50
"""A cluster above this is taken apart: no customer has so many records, an error chain does."""

_STRENGTHS = np.array(["external_id", "email", "phone"], dtype=object)


@dataclass(frozen=True, slots=True)
class Clusters:
    """The customer of each record.

    Attributes:
        customer_ids: one for each record, by position.
        linked_by: strongest evidence of each record's links, None where it stands alone.
        taken_apart: number of clusters that were cut down to their strong links or to records.
    """

    customer_ids: list[str]
    linked_by: list[str | None]
    taken_apart: int


def cluster(people: pa.Table, links: pa.Table) -> Clusters:
    """Join linked records, take suspicious clusters apart, and name what is left.

    Args:
        people: normalised people.
        links: `Links.links`.
    """
    count = people.num_rows
    one, other = links["one"].to_numpy(), links["other"].to_numpy()
    strength, is_strong = links["strength"].to_numpy(), links["is_strong"].to_numpy()
    labels = _components(count, one, other)
    suspicious = _suspicious(people, labels, links)
    keep = ~np.isin(labels[one], suspicious) | is_strong
    labels = _components(count, one[keep], other[keep])
    sizes = np.bincount(labels, minlength=1)
    too_big = np.flatnonzero(sizes > MOST_RECORDS_OF_A_CUSTOMER)
    keep &= ~np.isin(labels[one], too_big)
    labels = _components(count, one[keep], other[keep])
    return Clusters(
        customer_ids=_ids(people, labels),
        linked_by=_linked_by(count, one[keep], other[keep], strength[keep]),
        taken_apart=len(suspicious) + len(too_big),
    )


def customer_id(system: str, record_id: str) -> str:
    """The id of the customer whose anchor is this record."""
    return "cus_" + hashlib.sha256(f"{system}|{record_id}".encode()).hexdigest()[:16]


def _components(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _suspicious(people: pa.Table, labels: np.ndarray, links: pa.Table) -> np.ndarray:
    """Labels of clusters that are too big or hold two people whom only a third record joins."""
    members = pa.table({"position": np.arange(len(labels), dtype=np.int32), "cluster": labels})
    contradicted = contradicted_clusters(people, members, links, MOST_RECORDS_OF_A_CUSTOMER)
    too_big = np.flatnonzero(np.bincount(labels, minlength=1) > MOST_RECORDS_OF_A_CUSTOMER)
    return np.union1d(np.array(contradicted, dtype=labels.dtype), too_big)


def _ids(people: pa.Table, labels: np.ndarray) -> list[str]:
    columns = ("first_loaded_at", "system", "record_id")
    order = pc.sort_indices(people, [(name, "ascending") for name in columns]).to_numpy()
    anchors = np.full(labels.max(initial=-1) + 1, -1, dtype=np.int64)
    # Backwards, so that the earliest record of a cluster is written last and stays.
    backwards = order[::-1]
    anchors[labels[backwards]] = backwards
    systems = people["system"].take(pa.array(anchors)).to_pylist()
    records = people["record_id"].take(pa.array(anchors)).to_pylist()
    names = [customer_id(*anchor) for anchor in zip(systems, records, strict=True)]
    return [names[label] for label in labels.tolist()]


def _linked_by(
    count: int, one: np.ndarray, other: np.ndarray, strength: np.ndarray
) -> list[str | None]:
    best = np.full(count, len(_STRENGTHS) + 1, dtype=np.int64)
    np.minimum.at(best, one, strength)
    np.minimum.at(best, other, strength)
    return [_STRENGTHS[value - 1] if value <= len(_STRENGTHS) else None for value in best.tolist()]
