"""The words in which a gate is written: a rule, a suite of rules, and what a run of one found.

Rules name their Great Expectations class as text, so that declaring a suite imports nothing heavy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from quality.thresholds import MOST_ROWS_HELD_SHARE, ROWS_HELD_ALLOWED


class Severity(StrEnum):
    """`BLOCKING` stops the whole set, `HOLDING` the rows that break the rule, `WARNING` nothing."""

    BLOCKING = "blocking"
    HOLDING = "holding"
    WARNING = "warning"


class Reach(StrEnum):
    """What has to be looked at after a change.

    `ROWS`: the rows that changed. `KEYS`: the rows that share a value of the rule's columns with
    one of them. `TABLE`: all rows.
    """

    ROWS = "rows"
    KEYS = "keys"
    TABLE = "table"


_REACH_OF_EXPECTATION = {
    "ExpectColumnValuesToBeUnique": Reach.KEYS,
    "ExpectCompoundColumnsToBeUnique": Reach.KEYS,
    "ExpectColumnValuesToNotBeNull": Reach.ROWS,
    "ExpectColumnValuesToBeInSet": Reach.ROWS,
    "ExpectColumnValuesToMatchRegex": Reach.ROWS,
    "ExpectColumnValuesToBeBetween": Reach.ROWS,
    "ExpectColumnPairValuesAToBeGreaterThanB": Reach.ROWS,
    "UnexpectedRowsExpectation": Reach.ROWS,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold.

    Args:
        words: the rule as a sentence a business reader understands.
        expectation: name of a class in `great_expectations.expectations`.
        arguments: its arguments; `{"$PARAMETER": name}` is filled in when the suite is run.
        severity: what a breach stops. A rule in a suite that only warns warns too.
        counts_all: a rule that tolerates a share of the rows, or that says something of all of them
            together, and so is judged over all of them whatever changed.
    """

    words: str
    expectation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = Severity.BLOCKING
    counts_all: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the rule looks at; empty for a rule on the whole table."""
        arguments = self.arguments
        if "column" in arguments:
            return (arguments["column"],)
        pair = [arguments[name] for name in ("column_A", "column_B") if name in arguments]
        return tuple(arguments.get("column_list", pair))

    @property
    def column(self) -> str:
        """The columns in one line."""
        return ", ".join(self.columns)

    @property
    def reach(self) -> Reach:
        """What has to be looked at after a change."""
        # A share of the changed rows says nothing of the share of all.
        mostly = self.arguments.get("mostly", 1.0)
        if self.counts_all or not isinstance(mostly, float) or mostly < 1.0:
            return Reach.TABLE
        return _REACH_OF_EXPECTATION.get(self.expectation, Reach.TABLE)


@dataclass(frozen=True, slots=True)
class Suite:
    """All rules that one table must keep, named for the property that then holds.

    Args:
        name: the property, `customers_are_complete_and_unique`.
        table: `<schema>.<table>` of the warehouse.
        rules: what must hold.
        expected: how many rules there are, written down apart from the list: a rule that got lost
            makes the suite fail rather than pass with less.
        severity: whether a failure holds the data.
        rows_due: whether an empty table is a failure.
        key: columns that name a row; needed to hold rows.
        source: SQL that names a row at its source; the key itself where empty.
        customer: column that names the customer of a row; empty where rows have none.
        exempt: SQL condition of rows that are never held: a deletion is a restriction, and passes.
        most_held_share: from which share of held rows on the whole set is stopped, 0 to 1.
    """

    name: str
    table: str
    rules: tuple[Rule, ...]
    expected: int
    severity: Severity = Severity.BLOCKING
    rows_due: bool = True
    key: tuple[str, ...] = ()
    source: str = ""
    customer: str = ""
    exempt: str = ""
    most_held_share: float = MOST_ROWS_HELD_SHARE

    def severity_of(self, rule: Rule) -> Severity:
        """What a breach of the rule stops in this suite."""
        return Severity.WARNING if self.severity is Severity.WARNING else rule.severity

    def most_held(self, rows: int) -> int:
        """How many rows of so many may be held before the whole set is stopped."""
        return max(ROWS_HELD_ALLOWED, int(rows * self.most_held_share))


@dataclass(frozen=True, slots=True)
class Batch:
    """Where a suite finds what changed, in place of its own table.

    Args:
        changed: table of the rows that changed.
        keys: table of all rows that share the values of these columns with a changed one.
        copies: SQL query of each of these tables, in the order in which they are made. They are
            temporary tables of the connection that judges, so that nothing is written for them.
    """

    changed: str
    keys: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One row that breaks a rule and is held back alone.

    Args:
        key: values of the suite's key columns, parted by `|`.
        source: where the row comes from, `<system>:<record id>`; ids only, no personal data.
        fingerprint: hash of the whole row: a person's word on it counts while it stays the same.
        rule: the rule in words.
    """

    key: str
    source: str
    fingerprint: str
    rule: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Rows that break one rule.

    Args:
        rows: the first of them.
        customers: how many customers all of them belong to; None where that is unknown.
    """

    rows: tuple[HeldRow, ...]
    customers: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One broken rule, in counts only; no value of a row is ever kept.

    Args:
        share: broken rows among all rows looked at, 0 to 1; None for a rule on the whole table.
        observed: the figure a rule on the whole table found, or why it could not be evaluated.
        severity: what the breach stops.
        references: at most `MOST_REFERENCES` of the rows, named as at their source.
        customers: how many customers the rows belong to, where that is known.
    """

    rule: str
    column: str
    unexpected_count: int | None = None
    share: float | None = None
    observed: str | None = None
    severity: Severity = Severity.BLOCKING
    references: tuple[str, ...] = ()
    customers: int | None = None

    @property
    def in_words(self) -> str:
        """The rule, and how many rows break it where they can be counted."""
        counted = self.unexpected_count is not None
        return f"{self.rule} ({self.unexpected_count} rows)" if counted else self.rule


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """The judgement over one table at one moment.

    Args:
        evaluated: rules that were really evaluated, exceptions not counted.
        rows: rows of the table when it was judged; None when they could not be counted.
        error: why there is no sound judgement, with what to do; None when there is one.
        held: rows that are held back while the rest pass.
        rows_judged: rows that the rules on single rows looked at: all, or those that changed.
        findings: what Great Expectations found for each rule, see `quality.findings`.
    """

    suite: str
    passed: bool
    evaluated: int
    expected: int
    rows: int | None
    failures: tuple[Failure, ...] = ()
    error: str | None = None
    table: str = ""
    severity: Severity = Severity.BLOCKING
    seconds: float = 0.0
    held: tuple[HeldRow, ...] = ()
    rows_judged: int | None = None
    findings: tuple[Mapping[str, Any], ...] = ()

    @property
    def reason(self) -> str:
        """One line that says why the suite did not pass; empty when it did."""
        if self.passed:
            return ""
        broken = [item.in_words for item in self.failures]
        return "; ".join([*([self.error] if self.error else []), *broken])
