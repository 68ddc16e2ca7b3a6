"""The benchmarks of identity's speed, at sizes that show form and correctness, never time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks import identity_batch, identity_incremental, identity_pathology
from benchmarks._identity_people import people
from benchmarks._identity_splink import keyed, rules
from benchmarks._identity_warehouse import PeopleWarehouse
from benchmarks._pair_quality import pair_quality
from orchestration_assets.identity.keys import MOST_RECORDS_OF_A_BLOCK
from orchestration_assets.identity.normalise import NORMALISED

FORM = ["bench", "workload", "correct", "figures", "ratios"]


def test_the_batch_is_measured_beside_splink_with_the_same_keys():
    found = identity_batch.run(rows=2_000, rounds=1, growth=(0.5, 1.0))
    assert list(found) == FORM
    assert found["correct"] is True
    figures = found["figures"]
    assert set(figures["seconds_by_records"]) == {1_000, 2_000}
    assert isinstance(figures["growth_exponent"], float)
    assert figures["peak_gib_1m"] > 0.1
    for name in ("precision", "recall", "splink_precision", "splink_recall"):
        assert figures[name] > 0.97
    assert "l.key_2 = r.key_2" in found["workload"]["splink_rules"]
    assert set(found["ratios"]) == {
        "seconds_vs_splink",
        "seconds_vs_splink_without_training",
        "seconds_without_training_vs_splink_with",
    }


def test_new_records_touch_nobody_else_and_end_where_everybody_does():
    found = identity_incremental.run(rows=1_000, rounds=2)
    assert list(found) == FORM
    assert found["correct"] is True
    assert len(found["figures"]["seconds_100_each"]) == 2
    assert found["ratios"]["few_resolved_vs_all"] < 0.5


def test_records_of_no_person_are_reported_and_move_nobody():
    found = identity_pathology.run(rows=1_200)
    assert list(found) == FORM
    assert found["correct"] is True
    workload = found["workload"]
    assert workload["shared_identifiers"]["email too_many_records"] == 600
    assert workload["shared_identifiers"]["phone too_many_records"] == 1_001
    assert workload["quarantined_clusters"] == {"too_many_records": 60}
    assert workload["moved_of_before"]["chain"] == 0


def test_pathology_is_not_correct_when_somebody_moved():
    case = identity_pathology.Case(records=1, seconds=1.0, peak_mb=1, moved=0)
    names = ("ordinary", "address", "house", "chain", "identifiers")

    def outcome(**changed: object) -> identity_pathology.Outcome:
        values = {
            "cases": dict.fromkeys(names, case),
            "shared": {("email", "too_many_records"): 1, ("phone", "too_many_records"): 1},
            "quarantined": {"too_many_records": 1},
            "largest": 1,
            "precision": {"address": 1.0, "house": 0.5},
            "is_same": True,
        }
        return identity_pathology.Outcome(**(values | changed))

    moved = identity_pathology.Case(records=1, seconds=1.0, peak_mb=1, moved=1)
    assert identity_pathology._is_correct(outcome())
    for wrong in (
        {"cases": dict.fromkeys(names, case) | {"chain": moved}},
        {"shared": {}},
        {"quarantined": {}},
        {"precision": {"address": 0.5, "house": 1.0}},
        {"is_same": False},
    ):
        assert not identity_pathology._is_correct(outcome(**wrong))


def _customers(*rows: tuple[str, str, int]) -> pa.Table:
    return pa.table(
        {
            "system": ["crm"] * len(rows),
            "record_id": [row[0] for row in rows],
            "customer_id": [row[1] for row in rows],
            "component": [row[2] for row in rows],
        }
    )


@pytest.mark.parametrize(
    ("after", "outside"),
    [
        ([("a", "A", 1), ("b", "B", 2), ("n", "A", 1)], 0),
        ([("a", "A", 1), ("b", "A", 1), ("n", "A", 1)], 0),  # joined over the new one
        ([("a", "X", 1), ("b", "B", 2), ("n", "N", 3)], 1),  # renamed for no reason
        ([("a", "A", 1), ("n", "N", 3)], 1),  # gone
    ],
)
def test_a_move_that_nothing_new_explains_is_seen(after: list, outside: int):
    before = _customers(("a", "A", 1), ("b", "B", 2))
    landed = pa.table({"system": ["crm"], "record_id": ["n"]})
    assert identity_incremental.moved_outside(before, _customers(*after), landed) == outside


def test_pairs_are_counted_over_all_records():
    truth = pa.table({"id": [1, 2, 3, 4], "person": [1, 1, 1, 2]})
    customers = pa.table({"id": [1, 2, 4], "customer": ["a", "a", "a"]})
    found = pair_quality(truth, customers, ["id"])
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == pytest.approx(1 / 3)


def test_the_growth_exponent_is_the_slope_of_the_logarithms():
    exponent = identity_batch.growth_exponent({size: 3.0 * size**1.5 for size in (10, 50, 100)})
    assert exponent == pytest.approx(1.5)


def test_the_people_are_as_they_are_described():
    made = people(20_000)
    table = made.records
    assert table.num_rows == 20_000
    assert len(set(table["record_id"].to_pylist())) == 20_000
    assert table.num_rows / len(np.unique(made.person)) == pytest.approx(1.75, abs=0.05)
    assert table["phone"].null_count / 20_000 == pytest.approx(0.28, abs=0.02)
    counts = sorted(
        (
            row["last_name_count"]
            for row in table.group_by("last_name").aggregate([("last_name", "count")]).to_pylist()
        ),
        reverse=True,
    )
    assert 0.005 < counts[0] / 20_000 < 0.02
    assert counts[0] > 5 * counts[100]
    assert people(500).records.equals(people(500).records)
    elsewhere = people(500, first=10_000)
    assert not set(elsewhere.person) & set(people(500).person)
    assert not set(elsewhere.records["phone"].to_pylist()) & set(
        people(500).records["phone"].to_pylist()
    ) - {None}


def test_splink_gets_no_key_that_is_over_its_limit():
    count = MOST_RECORDS_OF_A_BLOCK + 1
    rows = [
        {"record_key": n, "first": "ann", "last": "lee" if n < count else "roe", "city": "lyon"}
        for n in range(count + 2)
    ]
    people_table = pa.Table.from_pylist(
        [{name: row.get(name) for name in NORMALISED.names} for row in rows], NORMALISED
    )
    table = keyed(people_table)
    # By name and city the Lees are too many and the two Roes are not; by first name all are.
    assert rules(table) == ["l.key_11 = r.key_11", "l.key_12 = r.key_12", "l.key_14 = r.key_14"]
    for name in ("key_11", "key_12", "key_14"):
        assert table[name].null_count == count


def test_what_was_normalised_beforehand_is_taken_as_it_is(tmp_path: Path):
    warehouse = PeopleWarehouse(tmp_path / "people")
    warehouse.make()
    warehouse.fill(people(300).records)
    with warehouse.warehouse.writer("mark one") as session:
        session.execute("update identity.people set city = 'marked' where record_id = '7'")
    assert warehouse.resolve().records == 300
    marked = warehouse.people().filter(pc.equal(warehouse.people()["city"], "marked"))
    assert marked["record_id"].to_pylist() == ["7"]
    warehouse.resolve(full=True)
    assert "marked" not in warehouse.people()["city"].to_pylist()
