"""Names and places to draw from: Zipf weights over the lists in `data/`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

FIRST_NAME_SHIFT = 3.0
LAST_NAME_SHIFT = 6.0


@dataclass(frozen=True)
class Weighted:
    """Values and their cumulative probabilities."""

    values: tuple[str, ...]
    cumulative: np.ndarray

    def draw(self, rng: np.random.Generator, count: int) -> list[str]:
        """Draw `count` values with replacement."""
        positions = np.searchsorted(self.cumulative, rng.random(count), side="right")
        return [self.values[position] for position in positions]


@dataclass(frozen=True)
class Country:
    """A country's share of the people and how its addresses look."""

    code: str
    share: float
    languages: dict[str, float]
    spellings: tuple[str, ...]
    towns: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]
    domains: tuple[str, ...]


def weighted(values: list[str], shift: float) -> Weighted:
    """Zipf-Mandelbrot weights: the value at rank r counts 1 / (r + shift)."""
    weights = 1.0 / (np.arange(1, len(values) + 1) + shift)
    cumulative = np.cumsum(weights / weights.sum())
    cumulative[-1] = 1.0
    return Weighted(tuple(values), cumulative)


def _load(name: str) -> dict[str, dict]:
    return tomllib.loads((files("sandbox.world") / "data" / name).read_text(encoding="utf-8"))


def _full_list(language: dict[str, str]) -> list[str]:
    """The listed last names, then glued ones in a fixed shuffled order, each once."""
    listed = [name.replace("-", " ") for name in language["last"].split()]
    glued = [
        head + tail for head in language["heads"].split() for tail in language["tails"].split()
    ]
    order = np.random.default_rng(len(glued)).permutation(len(glued))
    return list(dict.fromkeys(listed + [glued[position] for position in order]))


@cache
def first_names() -> dict[str, Weighted]:
    """First names by language."""
    return {
        language: weighted(lists["first"].split(), FIRST_NAME_SHIFT)
        for language, lists in _load("names.toml").items()
    }


@cache
def last_names() -> dict[str, Weighted]:
    """Last names by language: a Zipf head and a tail of more than a thousand each."""
    return {
        language: weighted(_full_list(lists), LAST_NAME_SHIFT)
        for language, lists in _load("names.toml").items()
    }


@cache
def countries() -> tuple[Country, ...]:
    """The countries people live in."""
    made = []
    for code, entry in _load("places.toml").items():
        towns = [_split_town(town, code) for town in entry["towns"]]
        made.append(
            Country(
                code,
                entry["share"],
                entry["languages"],
                tuple(entry["spellings"]),
                tuple(towns),
                tuple(entry["streets"]),
                tuple(entry["domains"]),
            )
        )
    return tuple(made)


def _split_town(text: str, code: str) -> tuple[str, str]:
    """Postal code and town; a British postal code has a blank inside."""
    parts = text.split(" ")
    width = 2 if code == "GB" else 1
    return " ".join(parts[:width]), " ".join(parts[width:])
