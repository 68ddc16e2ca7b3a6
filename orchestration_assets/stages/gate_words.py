"""What a gate found, in the words and figures that its check shows; no value of a row in either."""

from quality.rules import Failure, Severity, SuiteResult

STOPS = {
    Severity.BLOCKING: "blocks the release",
    Severity.HOLDING: "holds these rows back",
    Severity.WARNING: "warns, stops nothing",
}


def conclusion(result: SuiteResult) -> str:
    """What follows from the judgement, in a few sentences."""
    if not result.passed:
        stops = "Nothing new goes on." if _blocks(result) else "This warns and stops nothing."
        broken = "; ".join(failure.in_words for failure in result.failures)
        parts = [stops, result.error or "", f"Broken: {broken}." if broken else ""]
        return " ".join(part for part in parts if part)
    kept = "" if result.failures else " and kept"
    parts = [f"All {result.expected} rules were judged{kept}."]
    if result.held:
        parts.append(
            f"{_held(result)} held back alone, with what depends on them; the rest go on. Mend them"
            " at the source, or see accord quarantine list."
        )
    warned = [one.in_words for one in result.failures if one.severity is Severity.WARNING]
    if warned:
        parts.append(f"Warnings: {'; '.join(warned)}.")
    return " ".join(parts)


def broken_rules(result: SuiteResult) -> list[dict[str, str]]:
    """One line a broken rule, those that block first, as the columns of a table.

    A column that would be empty is left out.
    """
    order = list(STOPS)
    failures = sorted(result.failures, key=lambda one: order.index(one.severity))
    lines = [
        {
            "rule": failure.rule,
            "a breach": STOPS[failure.severity],
            "rows": _number(failure.unexpected_count),
            "share": _share(failure, result),
            "customers": _number(failure.customers),
            "found": _observed(failure),
            "columns": failure.column,
            "records": ", ".join(failure.references),
        }
        for failure in failures
    ]
    filled = {name for line in lines for name, value in line.items() if value}
    return [{name: value for name, value in line.items() if name in filled} for line in lines]


def _blocks(result: SuiteResult) -> bool:
    return result.severity is Severity.BLOCKING


def _held(result: SuiteResult) -> str:
    count, rows = len(result.held), result.rows or 0
    return f"{count:,} of {rows:,} rows {'is' if count == 1 else 'are'}"


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _observed(failure: Failure) -> str:
    """The figure of a rule on the whole table, or why there is none."""
    try:
        figure = float(failure.observed or "")
    except ValueError:
        return failure.observed or ""
    return f"{figure:,.0f}" if figure.is_integer() else f"{figure:,.6g}"


def _share(failure: Failure, result: SuiteResult) -> str:
    """The share of the whole table, whichever part of it was looked at this time."""
    if not failure.unexpected_count or not result.rows:
        return ""
    return f"{min(failure.unexpected_count / result.rows, 1.0):.2%}"
