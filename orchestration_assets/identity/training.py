"""Training match weights with Splink on the deployment's own records; no labels are needed.

Random pairs tell how often two people agree by chance (u), expectation maximisation over pairs that
share a name, an address or a number tells how often one person's records do (m).
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import structlog

from orchestration_assets.errors import FatalError
from orchestration_assets.identity.comparisons import NAME_COLUMNS, splink_comparisons
from orchestration_assets.identity.keys import MOST_RECORDS_OF_A_KEY, open_memory
from orchestration_assets.identity.weights import Weights, make_weights

FEWEST_RECORDS = 200
"""Below this nothing that is learnt would hold."""

_RANDOM_PAIRS = 2e6
_EM_PAIRS = 3e5
_FEWEST_PAIRS = 60
"""Pairs that a rule must bring for a training run on it."""

_RULES: tuple[str, ...] = (
    "l.last = r.last and l.first = r.first",
    "l.email = r.email",
    "l.phone = r.phone",
    "l.birth_date = r.birth_date",
    "l.postal = r.postal and l.street = r.street and l.house = r.house",
)
"""What records are paired by for expectation maximisation; each run trains the other columns."""

_EXACT_RULES = ("l.email = r.email", "l.phone = r.phone", "l.shop_id = r.shop_id")
_ASSUMED_RECALL = 0.9
_LEAST_COUNT_OF_A_NAME = 5
"""A name on fewer records is nobody else's business, and rare enough."""

_MOST_NAMES = 3000

_SAMPLE = f"""
create table sample as
with counted as (
    select
        *,
        count(*) over (partition by email) as on_email,
        count(*) over (partition by phone) as on_phone
    from people
)
select
    * exclude (on_email, on_phone) replace (
        case when on_email <= {MOST_RECORDS_OF_A_KEY} then email end as email,
        case when on_phone <= {MOST_RECORDS_OF_A_KEY} then phone end as phone
    ),
    record_key as unique_id
from counted
"""


def train(people: pa.Table, *, seed: int = 1) -> Weights:
    """Learn the shares of every level from the records themselves.

    Args:
        people: normalised people.
        seed: of the random pairs; the same people and seed give the same weights.

    Raises:
        FatalError: too few records.
    """
    if people.num_rows < FEWEST_RECORDS:
        raise FatalError(
            f"{people.num_rows} person records are too few to learn match weights from.",
            f"land at least {FEWEST_RECORDS}, or keep the weights that come with Accord.",
        )
    with open_memory() as memory:
        memory.register("people", people)
        memory.execute(_SAMPLE)
        linker = _linker(memory)
        _fit(memory, linker, seed)
        model = linker.misc.save_model_to_json()
        frequencies = {column: _frequencies(memory, column) for column in NAME_COLUMNS}
    chance = float(model["probability_two_random_records_match"])
    return make_weights(
        _shares(model["comparisons"]),
        frequencies,
        round(chance * (people.num_rows - 1), 4),
        {
            "records": people.num_rows,
            "on": datetime.now(UTC).date().isoformat(),
            "with": f"splink {_splink_version()}",
        },
    )


def _linker(memory: duckdb.DuckDBPyConnection) -> Any:
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    settings = {
        "link_type": "dedupe_only",
        "comparisons": splink_comparisons(),
        "blocking_rules_to_generate_predictions": [{"blocking_rule": rule} for rule in _RULES],
        "unique_id_column_name": "unique_id",
    }
    return Linker(DuckDBAPI(memory).register("sample"), settings, log_level=logging.ERROR)


def _fit(memory: duckdb.DuckDBPyConnection, linker: Any, seed: int) -> None:
    training = linker.training
    usable = [rule for rule in _EXACT_RULES if _pairs(memory, rule)]
    if usable:
        training.estimate_probability_two_random_records_match(usable, recall=_ASSUMED_RECALL)
    training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=seed)
    for rule in _RULES:
        if _pairs(memory, rule) < _FEWEST_PAIRS:
            continue
        try:
            training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=_EM_PAIRS)
        except ValueError as error:
            # Splink refuses a share of exactly nought; what the other rules taught stays.
            structlog.get_logger(__name__).info(
                "training_rule_left_out", rule=rule, why=str(error).split(". ")[0]
            )


def _pairs(memory: duckdb.DuckDBPyConnection, rule: str) -> int:
    columns = ", ".join(part.split(" = ")[0].removeprefix("l.") for part in rule.split(" and "))
    filled = " and ".join(f"{name} is not null" for name in columns.split(", "))
    found = memory.execute(
        "select coalesce(sum(n * (n - 1) / 2), 0) from"
        f" (select count(*) as n from sample where {filled} group by {columns})"
    ).fetchall()
    return int(found[0][0])


def _frequencies(memory: duckdb.DuckDBPyConnection, column: str) -> dict[str, float]:
    rows = memory.execute(
        f"select {column}, count(*) as n, count(*) / sum(count(*)) over () as share from sample"
        f" where {column} is not null group by {column}"
        f" order by n desc, {column} limit {_MOST_NAMES}"
    ).fetchall()
    return {
        name: float(f"{share:.4g}")
        for name, count, share in rows
        if count >= _LEAST_COUNT_OF_A_NAME
    }


def _shares(
    comparisons: Sequence[Mapping[str, Any]],
) -> dict[str, dict[str, tuple[float | None, float | None]]]:
    """Shares by comparison and label, as Splink's model has them; None where it saw nothing."""
    found: dict[str, dict[str, tuple[float | None, float | None]]] = {}
    for comparison in comparisons:
        found[comparison["output_column_name"]] = {
            level["label_for_charts"]: (level.get("m_probability"), level.get("u_probability"))
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        }
    return found


def _splink_version() -> str:
    import splink

    return splink.__version__
