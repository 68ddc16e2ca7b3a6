"""How many people the odds of a random pair are counted for."""

import math

FEWEST_PEOPLE = 2**16
"""A young warehouse holds a part of the people there are: odds are counted for at least so many."""


def population_of(records: int) -> int:
    """The population for so many records, rounded up to a power of two.

    Every pair of a warehouse is scored with the same odds, and everybody is resolved anew only when
    it has doubled.
    """
    return max(2 ** math.ceil(math.log2(max(records, 2))), FEWEST_PEOPLE)
