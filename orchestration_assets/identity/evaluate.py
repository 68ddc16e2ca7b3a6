"""How good a resolution is, measured against a known truth."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Record = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pairwise:
    """Pairs of records: how many of those joined belong together, and how many were found."""

    precision: float
    recall: float
    f1: float
    true_pairs: int
    joined_pairs: int
    correct_pairs: int


def pairwise(truth: Mapping[Record, str], predicted: Mapping[Record, str]) -> Pairwise:
    """Compare all pairs of records exactly, without listing them.

    Args:
        truth: (system, record id) to the person it is.
        predicted: (system, record id) to the customer it was given; a record of the truth that is
            missing here counts as alone, one that the truth does not know is left out.
    """
    given = {record: predicted.get(record) or f"alone|{record}" for record in truth}
    true_pairs = _pairs(Counter(truth.values()).values())
    joined_pairs = _pairs(Counter(given.values()).values())
    correct = _pairs(Counter((truth[record], given[record]) for record in truth).values())
    precision = correct / joined_pairs if joined_pairs else 1.0
    recall = correct / true_pairs if true_pairs else 1.0
    both = precision + recall
    return Pairwise(
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / both if both else 0.0,
        true_pairs=true_pairs,
        joined_pairs=joined_pairs,
        correct_pairs=correct,
    )


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
