"""Weights say what Splink says, are read back as written, and refuse what they cannot use."""

import math
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.identity.comparisons import (
    COMPARISONS,
    LEAST_FREQUENCY,
    LEAST_SHARE_OF_SAME,
    NAME_COLUMNS,
    splink_comparisons,
)
from orchestration_assets.identity.normalise import normalised
from orchestration_assets.identity.training import train
from orchestration_assets.identity.weights import load_weights
from sandbox.world.generate import generate

SIDES = "first last email phone other_phone shop_id birth_date street house city postal".split()


def world_people(customers: int, seed: int) -> pa.Table:
    """The shop's and the marketing tool's people of a seeded world, normalised."""
    world = generate(customers, seed, 1.0)
    rows = [
        {
            "system": table.partition(".")[0],
            "record_id": record_id,
            "email": row["email"],
            "phone": row.get("phone") or row.get("phone_number"),
            "first_name": row["first_name"],
            "last_name": row["last_name"],
            "address": row["address1"],
            "city": row["city"],
            "postal_code": row["zip"],
        }
        for table in ("shopify.customers", "klaviyo.profiles")
        for record_id, row in world.tables[table].items()
    ]
    names = [*rows[0], "other_phone", "named_shopify_customer_id", "country_code"]
    schema = pa.schema(
        [*((name, pa.string()) for name in names), ("first_loaded_at", pa.timestamp("us", "UTC"))]
    )
    return normalised(pa.Table.from_pylist(rows, schema), "FR")


def splink_weights(people: pa.Table, records: int) -> dict[tuple[int, int], float]:
    """Splink's own match weight of each pair of one last name and city, from the same shares."""
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    weights = load_weights()
    comparisons = splink_comparisons()
    for (column, levels), made in zip(COMPARISONS.items(), comparisons, strict=True):
        for level, one in zip(levels, made["comparison_levels"], strict=True):
            if level.same is not None:
                m, u = weights.shares[column][level.label]
                one |= {"m_probability": m, "u_probability": u}
    chance = weights.matches_per_record / (records - 1)
    connection = duckdb.connect()
    connection.register("arrived", people)
    connection.execute("create table people as select *, record_key as unique_id from arrived")
    api = DuckDBAPI(connection)
    linker = Linker(
        api.register("people"),
        {
            "link_type": "dedupe_only",
            "comparisons": comparisons,
            "blocking_rules_to_generate_predictions": [
                {"blocking_rule": "l.last = r.last and l.city = r.city"}
            ],
            "probability_two_random_records_match": chance,
        },
        log_level=40,
    )
    for column in NAME_COLUMNS:
        shares = weights.frequencies[column]
        least = LEAST_FREQUENCY[column]
        known = {name for name in people[column].to_pylist() if name}
        rows = [{column: n, f"tf_{column}": max(shares.get(n, 0), least)} for n in sorted(known)]
        connection.register(f"shares_{column}", pa.Table.from_pylist(rows))
        connection.execute(f"create table tf_{column} as from shares_{column}")
        linker.table_management.register_term_frequency_lookup(api.register(f"tf_{column}"), column)
    name = linker.inference.predict().physical_name
    found = connection.execute(
        f"select unique_id_l, unique_id_r, match_weight from {name}"
    ).fetchall()
    return {(min(a, b), max(a, b)): weight for a, b, weight in found}


def our_weights(people: pa.Table, records: int) -> dict[tuple[int, int], float]:
    """What our SQL says of the same pairs."""
    weights = load_weights()
    connection = duckdb.connect()
    connection.register("people", people)
    sides = ", ".join(f"l.{name} as {name}_l, r.{name} as {name}_r" for name in SIDES)
    shares = ", ".join(
        f"{side}.{name}_share as {name}_share_{side}" for name in NAME_COLUMNS for side in "lr"
    )
    connection.execute("create table shares (kind varchar, name varchar, share double)")
    connection.executemany(
        "insert into shares values (?, ?, ?)",
        [(kind, n, s) for kind, names in weights.frequencies.items() for n, s in names.items()],
    )
    joined = " ".join(
        f"left join shares {name}_s on {name}_s.kind = '{name}' and {name}_s.name = p.{name}"
        for name in NAME_COLUMNS
    )
    wide = ", ".join(
        f"greatest({name}_s.share, {LEAST_FREQUENCY[name]}) as {name}_share"
        for name in NAME_COLUMNS
    )
    found = connection.execute(
        f"with wide as (select p.*, {wide} from people p {joined}),"
        f" sides as (select l.record_key as one, r.record_key as other, {sides}, {shares}"
        " from wide l join wide r on l.last = r.last and l.city = r.city"
        " and l.record_key < r.record_key)"
        f" select one, other, {weights.score_sql(records)} from sides"
    ).fetchall()
    return {(one, other): weight for one, other, weight in found}


def test_a_pair_weighs_what_splink_says_it_does() -> None:
    people = world_people(600, 5)
    splinks, ours = splink_weights(people, 70_000), our_weights(people, 70_000)
    assert len(ours) > 200
    assert ours.keys() == splinks.keys()
    assert max(abs(ours[pair] - splinks[pair]) for pair in ours) < 0.001


def test_training_learns_what_the_records_show_and_repeats_itself() -> None:
    people = world_people(1_500, 3)
    weights = train(people)
    assert train(people).version == weights.version
    same, other = weights.shares["email"]["exact"]
    assert same > 0.7
    assert other < 0.01
    assert weights.shares["last"]["exact"][0] > 0.8
    assert min(m for levels in weights.shares.values() for m, _ in levels.values()) == (
        pytest.approx(LEAST_SHARE_OF_SAME)
    )
    assert 0.2 < weights.matches_per_record < 1.5


def test_too_few_records_teach_nothing() -> None:
    with pytest.raises(FatalError, match="too few"):
        train(world_people(60, 3).slice(0, 50))


def test_weights_are_read_back_as_written(tmp_path: Path) -> None:
    packaged = load_weights()
    path = tmp_path / "weights.json"
    path.write_text(packaged.to_json())
    assert load_weights(path).version == packaged.version
    assert "." not in "".join(name for name in packaged.frequencies["last"] if "@" in name)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"shares": {"first": {"exact": [0.9]}}}', '{"shares": {}}']
)
def test_a_file_that_lacks_something_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "weights.json"
    path.write_text(text)
    with pytest.raises(FatalError, match=r"weights\.json cannot be used"):
        load_weights(path)


def test_larger_populations_ask_for_more() -> None:
    weights = load_weights()
    small, large = (float(weights.score_sql(n).split(")")[0].strip("(")) for n in (10**4, 10**6))
    assert small - large == pytest.approx(math.log2(100), abs=0.05)
