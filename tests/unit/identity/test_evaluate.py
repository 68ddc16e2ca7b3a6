"""Pairs counted exactly; and how well the step does on the seeded world."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from orchestration_assets.identity.evaluate import Pairwise, pairwise
from orchestration_assets.identity.normalise import normalised
from orchestration_assets.identity.resolve import resolve
from orchestration_assets.identity.weights import load_weights
from sandbox.world.generate import generate

WANTED = {
    "hubspot.contacts": (
        "email phone mobilephone shopify_customer_id firstname lastname address city zip"
    ).split(),
    "shopify.customers": "email phone - legacy_id first_name last_name address1 city zip".split(),
    "klaviyo.profiles": (
        "email phone_number - external_id first_name last_name address1 city zip"
    ).split(),
}
COLUMNS = (
    "email phone other_phone named_shopify_customer_id first_name last_name address city"
    " postal_code"
).split()
POPULATION = 65_536


def test_pairs_are_counted_exactly() -> None:
    truth = {("a", str(n)): person for n, person in enumerate("xxxyyz")}
    given = dict(zip(truth, ["1", "1", "2", "2", "3", "4"], strict=True))
    result = pairwise(truth, given)
    # True pairs: 3 of x and 1 of y. Joined: two x (right), an x with a y (wrong).
    assert (result.true_pairs, result.joined_pairs, result.correct_pairs) == (4, 2, 1)
    assert (result.precision, result.recall) == (0.5, 0.25)


def test_missing_records_count_as_alone_and_unknown_ones_not_at_all() -> None:
    truth = {("a", "1"): "x", ("a", "2"): "x"}
    result = pairwise(truth, {("a", "1"): "c", ("b", "9"): "c"})
    assert (result.precision, result.recall) == (1.0, 0.0)
    assert pairwise({}, {}).f1 == 1.0


def resolve_world(customers: int, seed: int, noise: float) -> Pairwise:
    """The world's documents through the matcher; the truth is only used to count afterwards."""
    world = generate(customers, seed, noise)
    rows = []
    for table, names in WANTED.items():
        for record_id, document in world.tables[table].items():
            source = document | {"legacy_id": record_id}
            country = source.get("country_code") or (source.get("country") or "")[:2].upper()
            country = {"UN": "GB", "UK": "GB", "SW": "CH", "SU": "CH", "SC": "CH"}.get(country)
            values = dict(zip(COLUMNS, (source.get(name) for name in names), strict=True))
            values |= {"system": table.partition(".")[0], "record_id": record_id}
            rows.append(values | {"country_code": country})
    schema = pa.schema(
        [(n, pa.string()) for n in ["system", "record_id", *COLUMNS, "country_code"]]
    )
    people = pa.Table.from_pylist(rows, schema)
    loaded = pa.array(
        [datetime(2026, 1, 1, tzinfo=UTC)] * people.num_rows, pa.timestamp("us", "UTC")
    )
    people = normalised(people.append_column("first_loaded_at", loaded), "FR")
    _, clusters = resolve(people, load_weights(), POPULATION)
    ids = clusters.records["customer_id"].to_pylist()
    records = zip(people["system"].to_pylist(), people["record_id"].to_pylist(), strict=True)
    truth = {(table.partition(".")[0], key): who for table, key, who in world.truth()}
    return pairwise(truth, dict(zip(records, ids, strict=True)))


@pytest.mark.parametrize("seed", [1, 7])
def test_few_pairs_are_missed_and_hardly_any_is_wrong_at_the_usual_noise(seed: int) -> None:
    result = resolve_world(4_000, seed, 1.0)
    assert result.precision >= 0.99
    assert result.recall >= 0.98


def test_twice_the_noise_costs_recall_but_not_precision() -> None:
    result = resolve_world(4_000, 3, 2.0)
    assert result.precision >= 0.98
    assert result.recall >= 0.96
