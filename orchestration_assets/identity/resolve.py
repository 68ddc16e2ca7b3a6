"""Who is who among records that are all at hand: keys, links and clusters in one call."""

from collections.abc import Iterable

import pyarrow as pa

from orchestration_assets.identity.clusters import Clusters, cluster
from orchestration_assets.identity.keys import match_keys, open_memory
from orchestration_assets.identity.links import STANDARD, Links, Policy, find_links
from orchestration_assets.identity.pairs import Sample
from orchestration_assets.identity.weights import Weights


def resolve(
    people: pa.Table,
    weights: Weights,
    population: int,
    *,
    policy: Policy = STANDARD,
    apart: Iterable[tuple[int, int]] = (),
) -> tuple[Links, Clusters]:
    """Resolve all of these people, and nobody else.

    Args:
        people: normalised people.
        weights: what a level of likeness says.
        population: people there may be, for the odds of a random pair.
        policy: from when a score counts.
        apart: pairs of record keys that are known to be two people.
    """
    keys = match_keys(people)
    sample = Sample(people, keys, key_counts(keys))
    links = find_links(sample, weights, population, policy=policy)
    return links, cluster(people, links.links, apart)


def key_counts(keys: pa.Table) -> pa.Table:
    """How many records have each key that more than one has."""
    with open_memory() as memory:
        memory.register("keys", keys)
        return memory.sql(
            "select key_hash, count(*) as records from keys group by key_hash having count(*) > 1"
        ).to_arrow_table()
