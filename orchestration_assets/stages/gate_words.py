"""What a gate found, in the words and figures that its check shows; no value of a row in either."""

from quality.rules import Failure, Severity, SuiteResult

STOPS = {
    Severity.BLOCKING: "blocks the release",
    Severity.HOLDING: "holds these rows back",
    Severity.WARNING: "warns, stops nothing",
}


def conclusion(result: SuiteResult) -> str:
    """What follows from the judgement, in one or two sentences."""
    if not result.passed:
        stops = "Nothing new goes on" if _blocks(result) else "Warns, stops nothing"
        return f"{stops}: {result.reason}"
    warned = [one.in_words for one in result.failures if one.severity is Severity.WARNING]
    kept = "" if result.failures else " and kept"
    parts = [f"All {result.expected} rules were judged{kept}."]
    if result.held:
        parts.append(
            f"{_held(result)} held back alone, with what depends on them; the rest go on. Mend them"
            " at the source, or see accord quarantine list."
        )
    if warned:
        parts.append(f"Warnings: {'; '.join(warned)}.")
    return " ".join(parts)


def broken_rules(result: SuiteResult) -> list[dict[str, str]]:
    """One line a broken rule, those that block first, as the columns of a table."""
    order = list(STOPS)
    failures = sorted(result.failures, key=lambda one: order.index(one.severity))
    return [
        {
            "rule": failure.rule,
            "a breach": STOPS[failure.severity],
            "rows": _count(failure),
            "share": _share(failure, result),
            "customers": "" if failure.customers is None else f"{failure.customers:,}",
            "columns": failure.column,
            "records": ", ".join(failure.references),
        }
        for failure in failures
    ]


def _blocks(result: SuiteResult) -> bool:
    return result.severity is Severity.BLOCKING


def _held(result: SuiteResult) -> str:
    count, rows = len(result.held), result.rows or 0
    return f"{count:,} of {rows:,} rows {'is' if count == 1 else 'are'}"


def _count(failure: Failure) -> str:
    if failure.unexpected_count is not None:
        return f"{failure.unexpected_count:,}"
    return failure.observed or ""


def _share(failure: Failure, result: SuiteResult) -> str:
    """The share of the whole table, whichever part of it was looked at this time."""
    if not failure.unexpected_count or not result.rows:
        return ""
    return f"{min(failure.unexpected_count / result.rows, 1.0):.2%}"
