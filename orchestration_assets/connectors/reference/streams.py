"""Contracts of the reference streams. A record is a row of a CSV file, by its columns' names."""

from collections.abc import Mapping

from orchestration_assets.model import Field, Kind, Stream

SYSTEM = "reference"
LINE = "line"
"""Where a row stands in its file; no column of it."""
SPILT = "cells"
"""All cells of a row that has more of them than the file has columns."""
UPDATED_AT = "updated_at"
RATE_ID_PARTS = ("from_currency", "to_currency", "rate_date")


def _stream(name: str, description: str, record_id: str, fields: tuple[Field, ...]) -> Stream:
    return Stream(
        system=SYSTEM,
        name=name,
        description=description,
        record_id=record_id,
        source_at=UPDATED_AT,
        fields=fields,
        known=frozenset({SPILT}),
        volatile=frozenset({UPDATED_AT, LINE}),
        reads_all=True,
        place=LINE,
    )


STREAMS: Mapping[str, Stream] = {
    "costs": _stream(
        "costs",
        "One row for each cost of a period and version of it.",
        "cost_id",
        (
            Field("cost_id", "cost_id", required=True),
            Field("kind", "kind", required=True),
            Field("channel", "channel"),
            Field("campaign_name", "campaign_name"),
            Field("period_start", "period_start", Kind.DATE, required=True),
            Field("period_end", "period_end", Kind.DATE, required=True),
            Field("amount", "amount", Kind.DECIMAL, required=True),
            Field("currency_code", "currency_code", required=True),
        ),
    ),
    "exchange_rates": _stream(
        "exchange_rates",
        "One row for each pair of currencies and date, and version of it.",
        "rate_id",
        (
            Field("rate_id", "rate_id", required=True),
            Field("from_currency", "from_currency", required=True),
            Field("to_currency", "to_currency", required=True),
            Field("rate_date", "rate_date", Kind.DATE, required=True),
            Field("rate", "rate", Kind.DECIMAL, required=True),
        ),
    ),
}


def columns_of(stream: str) -> tuple[str, ...]:
    """Names of the columns that the first line of a stream's file must have."""
    fields = [field.name for field in STREAMS[stream].fields if field.name != "rate_id"]
    return (*fields, UPDATED_AT)
