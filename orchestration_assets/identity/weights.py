"""Match weights: what training left, as a file that people review, and as SQL that scores a pair.

A pair's weight is the sum over its comparisons of log2(m / u) for the level it is on, plus the log2
odds that two records drawn from the whole population are one person (Fellegi and Sunter 1969, as
Splink states it). For frequent names u is the frequency of the name itself.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration_assets.errors import FatalError
from orchestration_assets.identity.comparisons import (
    COMPARISONS,
    LEAST_SHARE_OF_SAME,
    NAME_COLUMNS,
    Level,
)

PACKAGED = Path(__file__).with_name("weights.json")
_LEAST_SHARE_OF_OTHER = 1e-9
_PAIR = re.compile(r"\[\s+([^\s,]+),\s+([^\s,]+)\s+\]")


@dataclass(frozen=True)
class Weights:
    """Trained shares of every level, and the frequencies of names.

    Args:
        shares: by comparison and label, (m, u): shares of the pairs of one person and of two people
            on the level.
        frequencies: by name column and name, its share of the records; names that are not there
            are taken for as rare as `comparisons.LEAST_FREQUENCY` allows.
        matches_per_record: how many other records of the same person a record has on average.
        trained_on: what a reader wants to know of the training (records, when, with what).
    """

    shares: Mapping[str, Mapping[str, tuple[float, float]]]
    frequencies: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    matches_per_record: float = 0.5
    trained_on: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """Names these very weights: other shares or frequencies, another version."""
        content = json.dumps(
            [self.shares, self.frequencies, self.matches_per_record], sort_keys=True
        )
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def _share(self, column: str, label: str) -> tuple[float, float]:
        return self.shares[column][label]

    def score_sql(self, records: int) -> str:
        """SQL expression for the weight of a pair in a population of so many records.

        It reads the columns of `identity.normalise` with the suffixes `_l` and `_r`, and for names
        `first_share_l`, ... with the frequencies.
        """
        parts = [_number(self._prior(records))]
        for column, levels in COMPARISONS.items():
            cases = " ".join(self._case(column, level) for level in levels)
            parts.append(f"case {cases} end")
        return " + ".join(f"({part})" for part in parts)

    def _prior(self, records: int) -> float:
        chance = min(self.matches_per_record / max(records - 1, 1), 0.5)
        return math.log2(chance / (1 - chance))

    def _case(self, column: str, level: Level) -> str:
        if level.same is None:
            return f"when {level.condition} then 0"
        same, other = self._share(column, level.label)
        weight = _number(math.log2(same / other))
        if level.by_frequency:
            share = f'greatest("{column}_share_l", "{column}_share_r")'
            weight = f"{_number(math.log2(same))} - log2({share})"
        head = "else" if level.condition == "ELSE" else f"when {level.condition} then"
        return f"{head} {weight}"

    def to_json(self) -> str:
        """The weights as text that two people can compare line by line."""
        content = {
            "trained_on": dict(self.trained_on),
            "matches_per_record": self.matches_per_record,
            "shares": {
                column: {label: list(pair) for label, pair in levels.items()}
                for column, levels in self.shares.items()
            },
            "frequencies": {
                column: dict(sorted(names.items())) for column, names in self.frequencies.items()
            },
        }
        text = json.dumps(content, indent=1, ensure_ascii=False)
        return _PAIR.sub(r"[\1, \2]", text) + "\n"


def make_weights(
    trained: Mapping[str, Mapping[str, tuple[float | None, float | None]]],
    frequencies: Mapping[str, Mapping[str, float]],
    matches_per_record: float,
    trained_on: Mapping[str, Any],
) -> Weights:
    """Weights from what training found, with the declared shares where it found nothing."""
    shares = {
        column: {
            level.label: _shares_of(level, trained.get(column, {}).get(level.label, (None, None)))
            for level in levels
            if level.same is not None
        }
        for column, levels in COMPARISONS.items()
    }
    return Weights(shares, frequencies, matches_per_record, trained_on)


def _shares_of(level: Level, trained: tuple[float | None, float | None]) -> tuple[float, float]:
    same = trained[0] if trained[0] is not None else level.same
    other = trained[1] if trained[1] is not None else level.other
    return (
        round(max(same or 0.0, LEAST_SHARE_OF_SAME), 6),
        float(f"{max(other or 0.0, _LEAST_SHARE_OF_OTHER):.6g}"),
    )


def load_weights(path: Path | None = None) -> Weights:
    """Read weights; those that come with Accord where no path is given.

    Raises:
        FatalError: the file is missing or does not hold every level.
    """
    path = path or PACKAGED
    try:
        content = json.loads(path.read_text())
        shares = {
            column: {label: (float(m), float(u)) for label, (m, u) in levels.items()}
            for column, levels in content["shares"].items()
        }
        wanted = {
            (column, level.label)
            for column, levels in COMPARISONS.items()
            for level in levels
            if level.same is not None
        }
        missing = wanted - {(column, label) for column in shares for label in shares[column]}
        if missing:
            raise KeyError(", ".join(sorted(".".join(pair) for pair in missing)))
        frequencies = {name: content["frequencies"].get(name, {}) for name in NAME_COLUMNS}
        return Weights(
            shares, frequencies, float(content["matches_per_record"]), content["trained_on"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FatalError(
            f"The match weights in {path.name} cannot be used: {error!r}.",
            "run accord identity train to write them anew, or remove the file for those that come"
            " with Accord.",
        ) from error


def _number(value: float) -> str:
    return f"{value:.6f}"
