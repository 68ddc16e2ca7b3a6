"""What an analyst sees of a column, by its personal-data class: the one table of rules.

A column without a known class is not shown at all. A key (`..._id`) is masked alike in every table,
by the strictest class that it has in any of them, so that joins over it still work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from orchestration_assets.model import PersonalData

SALT = "(select salt from masking.secrets)"
"""Read by the view's owner; whoever reads the view sees neither it nor the table."""
Classes = Mapping[str, Mapping[str, str | None]]
"""Class of each column by table; None where it has none."""

_SHOWN = (PersonalData.NONE, PersonalData.BEHAVIOUR)
_HIDDEN = (PersonalData.IDENTIFIER, PersonalData.CONTACT, PersonalData.PROFILE)
# As long as a UUID: no two values of a warehouse meet.
_HASH = (
    "left(encode(sha256(convert_to({salt} || ':' || cast({column} as text), 'UTF8')), 'hex'), 32)"
)
_CONTACT = (
    "case when position('@' in {column}) > 0"
    " then '***@' || substring({column} from '@([^@]+)$') else " + _HASH + " end"
)
_NULL = "cast(null as {type})"


_KEYS = ("*_id",)
_TEXT = ("text", "character varying*")
_TIMES = ("date", "timestamp*")


@dataclass(frozen=True, slots=True)
class Rule:
    """How columns of a kind are shown.

    Args:
        personal_data: the classes it is for.
        sql: expression with `{column}`, `{type}` and `{salt}`.
        words: the same for a reader.
        names: patterns of the column names it is for.
        types: patterns of the engine's types it is for.
    """

    personal_data: tuple[PersonalData, ...]
    sql: str
    words: str
    names: tuple[str, ...] = ("*",)
    types: tuple[str, ...] = ("*",)

    def applies(self, name: str, data_type: str, personal_data: PersonalData) -> bool:
        """Whether it is for this column."""
        return (
            personal_data in self.personal_data
            and any(fnmatchcase(name, pattern) for pattern in self.names)
            and any(fnmatchcase(data_type, pattern) for pattern in self.types)
        )


# The first rule that applies counts.
RULES: tuple[Rule, ...] = (
    Rule(_SHOWN, "{column}", "as it is"),
    Rule(_HIDDEN, _HASH, "salted hash, the same in every table", names=_KEYS),
    Rule(
        (PersonalData.CONTACT,),
        _CONTACT,
        "domain of an e-mail address, salted hash of anything else",
        types=_TEXT,
    ),
    # Nothing of a name: how often a hash occurs would tell which name it is.
    Rule((PersonalData.IDENTIFIER, PersonalData.CONTACT), _NULL, "not shown"),
    Rule((PersonalData.PROFILE,), "{column}", "as it is", names=("country_code",)),
    Rule((PersonalData.PROFILE,), "{column}", "as it is", types=("boolean",)),
    Rule(
        (PersonalData.PROFILE,),
        "left({column}, 2)",
        "first two characters",
        names=("postal_code",),
        types=_TEXT,
    ),
    Rule(
        (PersonalData.PROFILE,),
        "cast(date_trunc('year', {column}) as {type})",
        "first day of the year",
        types=_TIMES,
    ),
    Rule((PersonalData.PROFILE,), _NULL, "not shown"),
)


def rule_for(name: str, data_type: str, personal_data: str | None) -> Rule | None:
    """The rule for a column; None where its class is missing or unknown: it is then left out."""
    try:
        wanted = PersonalData(personal_data or "")
    except ValueError:
        return None
    return next(rule for rule in RULES if rule.applies(name, data_type, wanted))


def with_keys_alike(classes: Classes) -> Classes:
    """The classes, with each key that is personal in any table made an identifier in all of them.

    A key without a class stays without one.
    """
    shown = {kind.value for kind in _SHOWN}
    personal = {
        name
        for columns in classes.values()
        for name, kind in columns.items()
        if name.endswith("_id") and kind is not None and kind not in shown
    }
    return {
        table: {
            name: PersonalData.IDENTIFIER.value if kind in shown and name in personal else kind
            for name, kind in columns.items()
        }
        for table, columns in classes.items()
    }
