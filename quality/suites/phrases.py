"""Rules that many suites say in the same way; suites read as sentences through them."""

from collections.abc import Sequence
from dataclasses import replace

from quality.rules import Rule, Severity

DELETED = "is_deleted"


def hold(rule: Rule) -> Rule:
    """A row that breaks the rule is held back alone, and the rest go on."""
    return replace(rule, severity=Severity.HOLDING)


def warn(rule: Rule) -> Rule:
    """A breach is reported and stops nothing."""
    return replace(rule, severity=Severity.WARNING)


def present(column: str, words: str, mostly: float = 1.0) -> Rule:
    """`column` is filled in at least the share `mostly` of the rows."""
    return Rule(words, "ExpectColumnValuesToNotBeNull", {"column": column, "mostly": mostly})


def unique(column: str, words: str) -> Rule:
    """No value of `column` stands in two rows."""
    return Rule(words, "ExpectColumnValuesToBeUnique", {"column": column})


def unique_together(columns: Sequence[str], words: str) -> Rule:
    """No combination of the values of `columns` stands in two rows."""
    return Rule(words, "ExpectCompoundColumnsToBeUnique", {"column_list": list(columns)})


def one_of(column: str, values: Sequence[object], words: str, mostly: float = 1.0) -> Rule:
    """Filled values of `column` are among `values`."""
    arguments = {"column": column, "value_set": list(values), "mostly": mostly}
    return Rule(words, "ExpectColumnValuesToBeInSet", arguments)


def shaped(column: str, pattern: str, words: str, mostly: float = 1.0) -> Rule:
    """Filled values of `column` match `pattern`, which is anchored at both ends."""
    arguments = {"column": column, "regex": pattern, "mostly": mostly}
    return Rule(words, "ExpectColumnValuesToMatchRegex", arguments)


def at_least(column: str, smallest: float, words: str, largest: float | None = None) -> Rule:
    """Filled values of `column` lie between `smallest` and `largest`, both included."""
    arguments: dict[str, object] = {"column": column, "min_value": smallest}
    if largest is not None:
        arguments["max_value"] = largest
    return Rule(words, "ExpectColumnValuesToBeBetween", arguments)


def not_before(later: str, earlier: str, words: str) -> Rule:
    """`later` is never before `earlier` in a row that has both."""
    arguments = {
        "column_A": later,
        "column_B": earlier,
        "or_equal": True,
        "ignore_row_if": "either_value_is_missing",
    }
    return Rule(words, "ExpectColumnPairValuesAToBeGreaterThanB", arguments)


def usual_volume(table: str) -> Rule:
    """The number of rows stays within the bounds drawn from the last release."""
    arguments = {
        "min_value": {"$PARAMETER": f"{table}_rows_min"},
        "max_value": {"$PARAMETER": f"{table}_rows_max"},
    }
    words = "the table is about as large as in the last release"
    return Rule(words, "ExpectTableRowCountToBeBetween", arguments)


def usual_mean(column: str, figure: str, words: str) -> Rule:
    """The mean of `column` stays within the bounds drawn from the last release."""
    return Rule(words, "ExpectColumnMeanToBeBetween", {"column": column, **_bounds(figure)})


def usual_share_filled(column: str, figure: str, words: str) -> Rule:
    """The share of rows that fill in `column` stays within the bounds from the last release."""
    arguments = {"column": column, **_bounds(figure)}
    return Rule(words, "ExpectColumnProportionOfNonNullValuesToBeBetween", arguments)


def usual_share_of(column: str, value: object, figure: str, words: str) -> Rule:
    """The share of rows with this value is no less than the last release bounds it."""
    least = {"$PARAMETER": f"{figure}_min"}
    arguments = {"column": column, "value_set": [value], "mostly": least}
    return Rule(words, "ExpectColumnValuesToBeInSet", arguments, counts_all=True)


def _bounds(figure: str) -> dict[str, object]:
    return {
        "min_value": {"$PARAMETER": f"{figure}_min"},
        "max_value": {"$PARAMETER": f"{figure}_max"},
    }


def no_rows(query: str, words: str) -> Rule:
    """`query`, which names the table as `{batch}`, finds nothing.

    The query selects keys only, never personal data.
    """
    return Rule(words, "UnexpectedRowsExpectation", {"unexpected_rows_query": query})
