"""Reading the answer to a batch of writes: which row does each result or error belong to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestration_assets.model import OutgoingRow, RowResult, RowStatus

_REASON_LENGTH = 300
_NO_ANSWER = "hubspot: the answer to the batch says nothing about this row"


def results_of(
    batch: Sequence[OutgoingRow], body: Mapping[str, Any], *, sole_row: bool = False
) -> list[RowResult]:
    """One result for each row of a batch answered with 200 or 207.

    A result or error names its row by trace identifier, in its context, or by the address. Rows
    that nothing names are `UNKNOWN`: they are sent again rather than taken as done.

    Args:
        batch: the rows sent.
        body: the parsed answer, with `results` and `errors`.
        sole_row: the batch has one row, and an error that names none is about it.
    """
    by_name = {row.idempotency_key: row for row in batch}
    by_name |= {row.target_key.strip().casefold(): row for row in batch}
    found: dict[str, RowResult] = {}
    for result in body.get("results") or []:
        for row in _named(_result_names(result), by_name):
            found[row.idempotency_key] = RowResult(
                row.idempotency_key, RowStatus.CONFIRMED, vendor_reference=str(result["id"])
            )
    for error in body.get("errors") or []:
        rows = list(batch) if sole_row else _named(_error_names(error), by_name)
        for row in rows:
            found[row.idempotency_key] = RowResult(
                row.idempotency_key, RowStatus.REJECTED, reason=_reason(error, row)
            )
    return [
        found.get(row.idempotency_key)
        or RowResult(row.idempotency_key, RowStatus.UNKNOWN, reason=_NO_ANSWER)
        for row in batch
    ]


def _named(names: Iterator[str], by_name: Mapping[str, OutgoingRow]) -> list[OutgoingRow]:
    rows: list[OutgoingRow] = []
    for name in names:
        row = by_name.get(name) or by_name.get(name.strip().casefold())
        if row is not None and row not in rows:
            rows.append(row)
    return rows


def _result_names(result: Mapping[str, Any]) -> Iterator[str]:
    trace = result.get("objectWriteTraceId")
    if isinstance(trace, str) and trace:
        yield trace
        return
    address = (result.get("properties") or {}).get("email")
    if isinstance(address, str):
        yield address


def _error_names(error: Mapping[str, Any]) -> Iterator[str]:
    for value in (error.get("objectWriteTraceId"), error.get("id")):
        if isinstance(value, str):
            yield value
    for value in (error.get("context") or {}).values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield item


def _reason(error: Mapping[str, Any], row: OutgoingRow) -> str:
    """The vendor's category and message, without the row's own values."""
    message = str(error.get("message") or "")
    values = {row.target_key, *(str(value) for value in row.payload.values() if value is not None)}
    for value in sorted(values, key=len, reverse=True):
        if len(value) > 2:
            message = message.replace(value, "***")
    category = str(error.get("category") or "REJECTED")
    return f"{category}: {message}"[:_REASON_LENGTH] if message else category
