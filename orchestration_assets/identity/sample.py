"""How well a labelled sample is resolved; the matcher is not given the labels.

Records become customers exactly as in a deployment: keys, scores, policy, clusters and guards. A
pair counts as found when both of its records ended with one customer. With two files only pairs
across them count, with one all pairs in it.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from orchestration_assets.identity.keys import open_memory
from orchestration_assets.identity.population import population_of
from orchestration_assets.identity.resolve import resolve
from orchestration_assets.identity.sample_files import read_people, read_truth
from orchestration_assets.identity.sample_map import SampleMap
from orchestration_assets.identity.training import train
from orchestration_assets.identity.weights import load_weights

_COUNTS = """
with sizes as (
    select
        customer_id,
        count(*) filter (where system = 'left') as of_left,
        count(*) filter (where system = 'right') as of_right
    from customers group by customer_id
)
select
    (select coalesce(sum(if($across, of_left * of_right, of_left * (of_left - 1) / 2)), 0)
        from sizes) as found,
    (select count(*) from truth
        join customers a on a.record_key = truth.one
        join customers b on b.record_key = truth.other
        where a.customer_id = b.customer_id) as correct,
    (select count(*) from review
        join customers a on a.record_key = review.one
        join customers b on b.record_key = review.other
        where a.customer_id <> b.customer_id and (a.system <> b.system or not $across)) as to_review
"""
_STATUS = Path("/proc/self/status")
_KIB_A_MIB = _BYTES_A_KIB = 2**10


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What came out for a sample.

    Attributes:
        precision: share of the found pairs that are true; 1 where none was found.
        recall: share of the true pairs that were found.
        f1: harmonic mean of both.
        true_pairs: pairs of the truth, each once.
        found_pairs: pairs whose records ended with one customer.
        correct_pairs: those of them that are true.
        pairs_to_review: pairs of two customers that a steward would be shown.
        records: records of all files.
        seconds: from normalised records to customers, training included where it was asked for.
        peak_memory_mib: most memory that this process ever held.
        weights_version: names the weights that the pairs were scored with.
        weights_from: `sample` where they were learnt from it, `packaged` otherwise.
    """

    precision: float
    recall: float
    f1: float
    true_pairs: int
    found_pairs: int
    correct_pairs: int
    pairs_to_review: int
    records: int
    seconds: float
    peak_memory_mib: float
    weights_version: str
    weights_from: str


def evaluate_sample(
    left: Path, right: Path | None, truth: Path, sample_map: SampleMap
) -> SampleResult:
    """Resolve the records of one or two files and compare with the true pairs.

    Args:
        left: CSV file of records.
        right: another one; None looks for pairs within the left file.
        truth: CSV file of the true pairs.
        sample_map: what the columns are, and how strict to be.

    Raises:
        FatalError: a file cannot be used, or is too small to train on.
    """
    people = read_people(left, sample_map, "left")
    others = None if right is None else read_people(right, sample_map, "right")
    # Read before the work, so that a wrong file is told at once.
    pairs = read_truth(truth, people, others)
    everybody = people if others is None else pa.concat_tables([people, others])
    began = time.perf_counter()
    weights = train(everybody) if sample_map.train else load_weights()
    # Trained weights know how many pairs this very sample has; those that come with Accord hold for
    # a warehouse.
    population = everybody.num_rows if sample_map.train else population_of(everybody.num_rows)
    links, clusters = resolve(everybody, weights, population, policy=sample_map.policy)
    seconds = time.perf_counter() - began
    customers = everybody.select(["record_key", "system"]).append_column(
        "customer_id", clusters.records["customer_id"]
    )
    found, correct, to_review = _counts(customers, pairs, links.review, across=right is not None)
    precision = correct / found if found else 1.0
    recall = correct / pairs.num_rows
    both = precision + recall
    return SampleResult(
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / both if both else 0.0,
        true_pairs=pairs.num_rows,
        found_pairs=found,
        correct_pairs=correct,
        pairs_to_review=to_review,
        records=everybody.num_rows,
        seconds=round(seconds, 3),
        peak_memory_mib=_peak_memory_mib(),
        weights_version=weights.version,
        weights_from="sample" if sample_map.train else "packaged",
    )


def _counts(
    customers: pa.Table, truth: pa.Table, review: pa.Table, *, across: bool
) -> tuple[int, int, int]:
    with open_memory() as memory:
        memory.register("customers", customers)
        memory.register("truth", truth)
        memory.register("review", review)
        found, correct, to_review = memory.execute(_COUNTS, {"across": across}).fetchall()[0]
    return int(found), int(correct), int(to_review)


def _peak_memory_mib() -> float:
    # What `getrusage` tells holds the memory of the program that started this one.
    try:
        status = _STATUS.read_text().splitlines()
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak //= _BYTES_A_KIB if sys.platform == "darwin" else 1
    return round(peak / _KIB_A_MIB, 1)
