"""Bounds that the landing gate draws from what a stream brought before, each with its reason.

A stream has a history once it was read to its end and that reading passed; until then the absolute
bounds alone count, because the first records of a system come in parts, each many times the last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Clocks of vendors differ by minutes and zone mistakes reach 14 hours; a day more is a wrong value.
FUTURE_TOLERANCE_HOURS = 24

# Shares of a few records say nothing.
ROWS_FOR_A_SHARE = 50

# Some records of a system always break its contract. When one in five does, or more, its types
# changed.
REJECTED_SHARE_ALLOWED = 0.20
REJECTED_ROWS_ALLOWED = 10

# Records are deleted in dozens; a quarter of all that live is a source that lost its data, or a
# token that lost its rights.
DELETED_SHARE_ALLOWED = 0.25
DELETED_ROWS_ALLOWED = 20
# Deletions may trickle in one by one: those of a day count together.
DELETION_WINDOW_HOURS = 24

# A campaign or an import adds a part of what there is; half of it at once is a source that sends
# its records under new names.
GROWN_SHARE_ALLOWED = 0.50
# A stream that grows fast does so each time.
GROWN_MULTIPLE_ALLOWED = 3
GROWN_ROWS_ALLOWED = 50
# The readings that a history looks back on.
READINGS_LOOKED_AT = 20

# A column may be filled in less often than before by so much of all records; by more, it moved.
FILLED_SHARE_LOST_ALLOWED = 0.30

# Readings overlap by minutes; changes that are all older than a day before what is known already
# come from a system that was set back.
SET_BACK_HOURS = 24


@dataclass(frozen=True, slots=True)
class Counts:
    """Records read of one reading, and those of them that broke the contract."""

    read: int
    rejected: int


def rejected_together(latest: Counts, before: Sequence[Counts]) -> tuple[int, int]:
    """How many readings of changes to judge as one, and the records read by them.

    A share of a few records says nothing, so the newest readings before count along until there are
    enough. One that is large was judged by itself, and would hide what came after it.

    Args:
        latest: the reading that is judged.
        before: the readings before it, newest first.

    Returns:
        How many of those before count along, and how many records were read in all.
    """
    read = latest.read
    for number, counts in enumerate(before):
        if read >= ROWS_FOR_A_SHARE or counts.read >= ROWS_FOR_A_SHARE:
            return number, read
        read += counts.read
    return len(before), read


def rejected_allowed(read: int) -> int:
    """How many of so many records may break their contract."""
    return max(REJECTED_ROWS_ALLOWED, int(read * REJECTED_SHARE_ALLOWED))


def deleted_allowed(living: int) -> int:
    """How many of so many living records may be deleted within the window."""
    return max(DELETED_ROWS_ALLOWED, int(living * DELETED_SHARE_ALLOWED))


def new_allowed(known: int, grown_before: Sequence[int]) -> int:
    """How many new records a reading may bring.

    Args:
        known: records that landed and passed before.
        grown_before: rows that the newest readings since the first complete one landed.
    """
    usual = max(grown_before, default=0) * GROWN_MULTIPLE_ALLOWED
    return max(int(known * GROWN_SHARE_ALLOWED), usual) + GROWN_ROWS_ALLOWED


def filled_allowed(rows: int, filled: Mapping[str, int]) -> dict[str, float]:
    """The least share of records that must fill in each column; columns hardly filled are left out.

    Args:
        rows: living records that the history looks at.
        filled: by column, how many of them fill it in.
    """
    if rows < ROWS_FOR_A_SHARE:
        return {}
    least = {name: count / rows - FILLED_SHARE_LOST_ALLOWED for name, count in filled.items()}
    return {name: round(share, 4) for name, share in least.items() if share > 0}
