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
            f"{_rows(len(result.held))} held back alone, with what depends on"
            f" {'it' if len(result.held) == 1 else 'them'}; the rest go on. Mend"
            f" {'it' if len(result.held) == 1 else 'them'} at the source, or see accord quarantine"
            " list."
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
            "columns": failure.column,
            "records": ", ".join(failure.references),
        }
        for failure in failures
    ]


def _blocks(result: SuiteResult) -> bool:
    return result.severity is Severity.BLOCKING


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count:,} rows are"


def _count(failure: Failure) -> str:
    if failure.unexpected_count is not None:
        return f"{failure.unexpected_count:,}"
    return failure.observed or ""


def _share(failure: Failure, result: SuiteResult) -> str:
    """The share of the rows that were judged; Great Expectations names none for a query."""
    share = failure.share
    if share is None and failure.unexpected_count and result.rows_judged:
        share = min(failure.unexpected_count / result.rows_judged, 1.0)
    return "" if share is None else f"{share:.2%}"
