"""How two records are compared, column by column: the levels of likeness that weights are for.

The conditions are those that Splink trains and that scoring uses; `_l` and `_r` mark the sides.
The shares given here are what stands where training has seen too little of a level: how often
records of one person, and records of two people, are on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NAME_COLUMNS = ("first", "last")
"""Columns whose frequent values say less than rare ones."""

LEAST_FREQUENCY = {"first": 1e-3, "last": 2e-4}
"""No name counts as rarer, so that names alone never make a link: a name that few records have may
be frequent where the next ones come from.
"""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of likeness.

    Args:
        label: unique in its comparison.
        condition: SQL over the two sides; the first level whose condition holds counts.
        same: share of the pairs of one person on this level (m); None on the level for missing
            values, which says nothing.
        other: share of the pairs of two people on this level (u).
        by_frequency: the share of two people is the frequency of the value itself.
    """

    label: str
    condition: str
    same: float | None = None
    other: float | None = None
    by_frequency: bool = False


def _missing(*columns: str) -> Level:
    sides = [f'"{column}_{side}" is null' for column in columns for side in ("l", "r")]
    return Level("missing", " or ".join(sides))


_SWAPPED = (
    'jaro_winkler_similarity("first_l", "last_r") >= 0.9'
    ' and jaro_winkler_similarity("last_l", "first_r") >= 0.9'
    ' and jaro_winkler_similarity("first_l", "first_r") < 0.9'
)
_SAME_BEFORE_AT = "split_part(\"email_l\", '@', 1) = split_part(\"email_r\", '@', 1)"

_HOLDS_LAST_NAME = 'contains(split_part("email_l", \'@\', 1), "last_{side}")'


def _name(column: str) -> tuple[Level, ...]:
    one, other = f'"{column}_l"', f'"{column}_r"'
    # One of the two name comparisons counts a swap, the other one leaves it out.
    swap = (
        Level("swapped", _SWAPPED, 0.01, 0.0001)
        if column == "first"
        else Level("missing", f"{_missing(column).condition} or ({_SWAPPED})")
    )
    exact = Level("exact", f"{one} = {other}", 0.88, 0.005, by_frequency=True)
    close = Level(
        "close",
        f"jaro_winkler_similarity({one}, {other}) >= 0.92"
        f" or (length({one}) > 2 and damerau_levenshtein({one}, {other}) = 1)",
        0.07,
        0.003,
    )
    near = Level("near", f"jaro_winkler_similarity({one}, {other}) >= 0.84", 0.01, 0.01)
    rest = Level("else", "ELSE", 0.03, 0.98)
    if column == "first":
        return (_missing(column), exact, swap, close, near, rest)
    return (swap, exact, close, near, rest)


def _typed(column: str, same: float, other: float, slips: int) -> tuple[Level, ...]:
    one, other_side = f'"{column}_l"', f'"{column}_r"'
    return (
        _missing(column),
        Level("exact", f"{one} = {other_side}", same, other),
        Level(
            "close",
            f"damerau_levenshtein({one}, {other_side}) <= {slips}",
            (1 - same) / 2,
            other * 8,
        ),
        Level("else", "ELSE", (1 - same) / 2, 1 - other * 9),
    )


COMPARISONS: Mapping[str, tuple[Level, ...]] = {
    "first": _name("first"),
    "last": _name("last"),
    "email": (
        # Two people of one name have the same address at two providers: what the names said
        # already is not counted again.
        Level(
            "missing",
            f'{_missing("email").condition} or ("email_l" <> "email_r" and {_SAME_BEFORE_AT}'
            f" and ({_HOLDS_LAST_NAME.format(side='l')} or {_HOLDS_LAST_NAME.format(side='r')}))",
        ),
        Level("exact", '"email_l" = "email_r"', 0.82, 3e-6),
        Level("same_before_at", _SAME_BEFORE_AT, 0.03, 1e-5),
        Level("else", "ELSE", 0.15, 0.99998),
    ),
    "phone": (
        Level("missing", '("phone_l" is null or "phone_r" is null)'),
        Level(
            "exact",
            '"phone_l" = "phone_r" or "phone_l" = "other_phone_r" or "other_phone_l" = "phone_r"',
            0.82,
            3e-6,
        ),
        Level("else", "ELSE", 0.18, 0.99999),
    ),
    "shop_id": (
        _missing("shop_id"),
        Level("exact", '"shop_id_l" = "shop_id_r"', 0.9, 1e-6),
        Level("else", "ELSE", 0.1, 0.999999),
    ),
    "birth_date": _typed("birth_date", 0.92, 3e-5, slips=1),
    "street": (
        _missing("street"),
        Level(
            "exact",
            '"street_l" = "street_r" and coalesce("house_l", \'\') = coalesce("house_r", \'\')',
            0.84,
            2e-5,
        ),
        Level(
            "close",
            "coalesce(\"house_l\", '') = coalesce(\"house_r\", '')"
            ' and jaro_winkler_similarity("street_l", "street_r") >= 0.88',
            0.06,
            1e-4,
        ),
        Level("same_street", '"street_l" = "street_r"', 0.02, 0.01),
        Level("else", "ELSE", 0.08, 0.99),
    ),
    "city": (
        Level(
            "missing",
            '("city_l" is null or "city_r" is null) and ("postal_l" is null or "postal_r" is null)',
        ),
        Level("same_postal_code", '"postal_l" = "postal_r"', 0.8, 0.004),
        Level("same_city", '"city_l" = "city_r"', 0.1, 0.006),
        Level(
            "close",
            'damerau_levenshtein("postal_l", "postal_r") <= 1'
            ' or jaro_winkler_similarity("city_l", "city_r") >= 0.92',
            0.03,
            0.01,
        ),
        Level("else", "ELSE", 0.07, 0.98),
    ),
}
"""Comparisons by the column that they are named for, with their levels in order."""

LEAST_SHARE_OF_SAME = 0.005
"""No level speaks more strongly against a pair than this share of one person's pairs allows.

A sample where nobody ever moved would otherwise make a change of address a proof.
"""


def splink_comparisons() -> list[dict[str, object]]:
    """The comparisons in the form in which Splink takes them."""
    return [
        {
            "output_column_name": column,
            "comparison_levels": [_splink_level(column, level) for level in levels],
        }
        for column, levels in COMPARISONS.items()
    ]


def _splink_level(column: str, level: Level) -> dict[str, object]:
    made: dict[str, object] = {
        "sql_condition": level.condition,
        "label_for_charts": level.label,
    }
    if level.same is None:
        made["is_null_level"] = True
    if level.by_frequency:
        made |= {"tf_adjustment_column": column, "tf_adjustment_weight": 1.0}
    return made
