"""The words in which a gate is written: a rule, a suite of rules, and what a run of one found.

Rules name their Great Expectations class as text, so that declaring a suite imports nothing heavy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """`BLOCKING` holds the release or the plan; `WARNING` is reported and lets the data pass."""

    BLOCKING = "blocking"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold.

    Args:
        words: the rule as a sentence a business reader understands.
        expectation: name of a class in `great_expectations.expectations`.
        arguments: its arguments; `{"$PARAMETER": name}` is filled in when the suite is run.
    """

    words: str
    expectation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def column(self) -> str:
        """The column or columns the rule looks at; empty for a rule on the whole table."""
        arguments = self.arguments
        pair = [arguments[name] for name in ("column_A", "column_B") if name in arguments]
        return arguments.get("column") or ", ".join(arguments.get("column_list", pair))


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
    """

    name: str
    table: str
    rules: tuple[Rule, ...]
    expected: int
    severity: Severity = Severity.BLOCKING
    rows_due: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """One broken rule, in counts only; no value of a row is ever kept.

    Args:
        share: broken rows among all rows looked at, 0 to 1; None for a rule on the whole table.
        observed: the figure a rule on the whole table found, or why it could not be evaluated.
    """

    rule: str
    column: str
    unexpected_count: int | None = None
    share: float | None = None
    observed: str | None = None

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

    @property
    def reason(self) -> str:
        """One line that says why the suite did not pass; empty when it did."""
        if self.passed:
            return ""
        broken = [item.in_words for item in self.failures]
        return "; ".join([*([self.error] if self.error else []), *broken])
