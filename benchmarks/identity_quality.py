"""How accurate who-is-who is: on Febrl 4 beside Splink, and on the sandbox's own world.

- Febrl 4 goes through `identity.sample`, the work of `accord identity evaluate`, trained on the two
  files without labels; Splink gets the settings of a first trial, and learns from the same files.
- The world has noise 1 (typing errors, moves, changed addresses, households, shared numbers) and a
  seed that the packaged weights have not seen; weights and policy are those of a deployment.
"""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import _identity_febrl as febrl4
from orchestration_assets.identity.evaluate import pairwise
from orchestration_assets.identity.normalise import normalised
from orchestration_assets.identity.population import population_of
from orchestration_assets.identity.resolve import resolve
from orchestration_assets.identity.sample import SampleResult, evaluate_sample
from orchestration_assets.identity.sample_map import read_map
from orchestration_assets.identity.weights import load_weights
from sandbox.world.generate import generate
from sandbox.world.model import World
from sandbox.world.names import countries

FEBRL_RECORDS = 5_000
WORLD_SEED, TRAINING_SEED = 77, 4242
WORLD_NOISE = 1.0
LEAST_PRECISION, LEAST_RECALL = 0.99, 0.98
MOST_BEHIND_SPLINK = 0.005
_REGION = "FR"
_GIVEN_TO_OURS = (
    "given_name, surname, street_number, address_1, suburb, postcode, date_of_birth, and soc_sec_id"
    " as the external id where it is not left out; trained on the files; log2 odds from 0 on link"
    " (probability 0.5), no veto of names; pairs across the files that ended with one customer"
)
_NAMES = {  # column of the model: field of each table
    "hubspot.contacts": {
        "phone": "phone",
        "other_phone": "mobilephone",
        "named_shopify_customer_id": "shopify_customer_id",
        "first_name": "firstname",
        "last_name": "lastname",
        "address": "address",
        "country": "country",
    },
    "shopify.customers": {
        "phone": "phone",
        "first_name": "first_name",
        "last_name": "last_name",
        "address": "address1",
        "country": "country_code",
    },
    "klaviyo.profiles": {
        "phone": "phone_number",
        "named_shopify_customer_id": "external_id",
        "first_name": "first_name",
        "last_name": "last_name",
        "address": "address1",
        "country": "country",
    },
}
_TEXTS = (
    "system record_id email phone other_phone named_shopify_customer_id first_name last_name"
    " address city postal_code country_code"
).split()
_PEOPLE = pa.schema(
    [*((name, pa.string()) for name in _TEXTS), ("first_loaded_at", pa.timestamp("us", "UTC"))]
)


def run(rows: int = 20_000, febrl_records: int = FEBRL_RECORDS) -> dict[str, Any]:
    """Measure F1 on Febrl 4, precision and recall on the world.

    Args:
        rows: customers of the world.
        febrl_records: people of Febrl 4; all of them unless a test asks for fewer.
    """
    sample = febrl4.load(febrl_records)
    ours = {with_ssn: _evaluated(sample, with_ssn=with_ssn) for with_ssn in (True, False)}
    splink = {with_ssn: febrl4.splink_f1(sample, with_ssn=with_ssn) for with_ssn in (True, False)}
    world = _of_world(rows)
    behind = max(splink[with_ssn] - ours[with_ssn].f1 for with_ssn in ours)
    return {
        "bench": "identity-quality",
        "workload": {
            "febrl4_records": 2 * febrl_records,
            "febrl4_given_to_ours": _GIVEN_TO_OURS,
            "febrl4_given_to_splink": febrl4.peer_settings(with_ssn=True),
            "febrl4_given_to_splink_without_ssn": febrl4.peer_settings(with_ssn=False),
            "never_given": "rec_id, which tells who is who; records are numbered",
            "world_customers": rows,
            "world_seed": WORLD_SEED,
            "world_noise": WORLD_NOISE,
            "weights_trained_on_seed": TRAINING_SEED,
            "world_weights": "packaged, standard policy, population as a refresh counts it",
        }
        | {f"world_{name}": world[name] for name in ("records", "true_pairs")},
        "correct": behind <= MOST_BEHIND_SPLINK
        and world["precision"] >= LEAST_PRECISION
        and world["recall"] >= LEAST_RECALL,
        "figures": {
            "febrl4_f1": round(ours[True].f1, 4),
            "febrl4_f1_splink": round(splink[True], 4),
            "febrl4_f1_without_ssn": round(ours[False].f1, 4),
            "febrl4_f1_splink_without_ssn": round(splink[False], 4),
            "world_precision": round(world["precision"], 5),
            "world_recall": round(world["recall"], 5),
            "world_pairs_to_review": world["to_review"],
        },
        "ratios": {
            "f1_vs_splink": round(ours[True].f1 / splink[True], 4),
            "f1_vs_splink_without_ssn": round(ours[False].f1 / splink[False], 4),
        },
    }


def _evaluated(sample: febrl4.Febrl, *, with_ssn: bool) -> SampleResult:
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        left, right, truth, sample_map = febrl4.write(sample, Path(folder), with_ssn=with_ssn)
        return evaluate_sample(left, right, truth, read_map(sample_map))


def _of_world(customers: int) -> dict[str, Any]:
    world = generate(customers, WORLD_SEED, WORLD_NOISE)
    people = normalised(_people(world), _REGION)
    links, clusters = resolve(people, load_weights(), population_of(people.num_rows))
    records = zip(people["system"].to_pylist(), people["record_id"].to_pylist(), strict=True)
    given = dict(zip(records, clusters.records["customer_id"].to_pylist(), strict=True))
    truth = {(system, record_id): person for system, record_id, person in world.truth()}
    found = pairwise({record: truth[record] for record in given if record in truth}, given)
    return {
        "records": people.num_rows,
        "true_pairs": found.true_pairs,
        "precision": found.precision,
        "recall": found.recall,
        "to_review": links.review.num_rows,
    }


def _people(world: World) -> pa.Table:
    """The living records of the world with the columns of `int_person_records_unioned`."""
    codes = {spelling: entry.code for entry in countries() for spelling in entry.spellings}
    rows = []
    for table, names in _NAMES.items():
        system = table.partition(".")[0]
        for record_id, document in world.live(table):
            row = {column: document.get(field) for column, field in names.items()}
            country = str(row.pop("country"))
            if system == "shopify":
                row["named_shopify_customer_id"] = record_id
            rows.append(
                {
                    **row,
                    "system": system,
                    "record_id": record_id,
                    "email": document["email"],
                    "city": document.get("city"),
                    "postal_code": document.get("zip"),
                    "country_code": codes.get(country),
                    "first_loaded_at": document["created_at"],
                }
            )
    return pa.Table.from_pylist(rows, _PEOPLE)
