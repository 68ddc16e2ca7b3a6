"""From a vendor's records to rows of the raw table, and to rejected records with their rule."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.landing.columns import to_column
from orchestration_assets.landing.contract import (
    UTC_MICROSECONDS,
    Contract,
    arrow_schema,
    find_drift,
    values_by_path,
)
from orchestration_assets.landing.fingerprint import hash_records, raw_text
from orchestration_assets.model import Field, Kind
from orchestration_assets.state.quarantine import Rejected

_NUL_ESCAPE = b"\\u0000"


@dataclass(slots=True)
class Batch:
    """What became of some records.

    Args:
        rows: rows for the raw table (`contract.arrow_schema`).
        rejected: malformed records.
        drift: unknown dotted path to number of records.
    """

    rows: pa.Table
    rejected: list[Rejected] = field(default_factory=list)
    drift: Mapping[str, int] = field(default_factory=dict)


def convert(
    contract: Contract,
    records: Sequence[Any],
    loaded_at: Sequence[datetime],
    deleted: Sequence[bool],
) -> Batch:
    """Convert records by the contract; a malformed one does not stop the others.

    Args:
        contract: of the stream.
        records: the vendor's JSON objects.
        loaded_at: for each record, when it was read.
        deleted: for each record, whether it is a deletion. A deletion needs an identifier only.
    """
    try:
        raws = [raw_text(record) for record in records]
        hashes = hash_records(contract.stream, records, raws)
    except (TypeError, ValueError, AttributeError):
        return _without_unreadable(contract, records, loaded_at, deleted)
    if not records:
        return Batch(arrow_schema(contract.stream).empty_table())
    bad: dict[int, tuple[str, str]] = {}
    values = values_by_path(contract, records)
    ids = _column(contract.record_id, values, deleted, bad)
    times = _source_times(contract, values, loaded_at, deleted, bad)
    typed = [_column(column, values, deleted, bad) for column in contract.stream.fields]
    if any(_NUL_ESCAPE in raw for raw in raws):
        # PostgreSQL's text cannot hold the character; the raw record keeps it, escaped.
        ids, *typed = (_without_nul(column) for column in (ids, *typed))
    rows = pa.Table.from_arrays(
        [
            ids,
            times,
            pa.array(loaded_at, UTC_MICROSECONDS),
            pa.array(deleted, pa.bool_()),
            pa.array(hashes, pa.string()),
            pa.array(raws, pa.string()),
            *typed,
        ],
        schema=arrow_schema(contract.stream),
    )
    rejected: list[Rejected] = []
    if bad:
        rejected = [
            Rejected(
                _name(ids[position].as_py(), raws[position]),
                rule,
                _at_its_place(contract, records[position], reason),
                raws[position].decode(),
            )
            for position, (rule, reason) in sorted(bad.items())
        ]
        rows = rows.filter(pa.array([position not in bad for position in range(len(records))]))
    return Batch(rows, rejected, find_drift(contract, records))


def _at_its_place(contract: Contract, record: Any, reason: str) -> str:
    """The reason with the place of the record, where its source knows one: `line 14: ...`."""
    place = contract.stream.place
    return f"{place} {record.get(place)}: {reason}" if place else reason


def _column(
    column: Field,
    values: Mapping[str, Sequence[Any]],
    deleted: Sequence[bool],
    bad: dict[int, tuple[str, str]],
) -> pa.Array:
    array, wrong = to_column(values[column.path], column.kind)
    for position, reason in wrong.items():
        bad.setdefault(position, (f"{column.kind.value}_field", f"{column.path}: {reason}"))
    if column.required and (array.null_count or column.kind is Kind.STRING):
        for position, value in enumerate(array.to_pylist()):
            if value in (None, "") and (column.name == "_record_id" or not deleted[position]):
                bad.setdefault(position, ("required_field", f"{column.path}: a value is required"))
    return array


def _source_times(
    contract: Contract,
    values: Mapping[str, Sequence[Any]],
    loaded_at: Sequence[datetime],
    deleted: Sequence[bool],
    bad: dict[int, tuple[str, str]],
) -> pa.Array:
    times = _column(contract.source_at, values, deleted, bad)
    if times.null_count and any(deleted):
        # A deletion without a time of its own happened at the latest when it was read.
        return pc.coalesce(times, pa.array(loaded_at, UTC_MICROSECONDS))
    return times


def _without_nul(column: pa.Array) -> pa.Array:
    return pc.replace_substring(column, "\x00", "") if pa.types.is_string(column.type) else column


def _without_unreadable(
    contract: Contract,
    records: Sequence[Any],
    loaded_at: Sequence[datetime],
    deleted: Sequence[bool],
) -> Batch:
    """Set aside what is no JSON object or has no JSON text, and convert the others."""
    good: list[int] = []
    rejected: list[Rejected] = []
    for position, record in enumerate(records):
        try:
            if not isinstance(record, dict):
                raise TypeError
            hash_records(contract.stream, [record], [raw_text(record)])
            good.append(position)
        except (TypeError, ValueError, AttributeError):
            raw = json.dumps(record, default=str)
            rejected.append(
                Rejected(
                    _name(_identifier(contract, record), raw.encode()),
                    "json_object",
                    "the record is no JSON object with UTF-8 text and 64-bit integers",
                    raw,
                )
            )
    batch = convert(
        contract,
        [records[position] for position in good],
        [loaded_at[position] for position in good],
        [deleted[position] for position in good],
    )
    return Batch(batch.rows, [*rejected, *batch.rejected], batch.drift)


def _identifier(contract: Contract, record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    array, _ = to_column(values_by_path(contract, [record])[contract.stream.record_id], Kind.STRING)
    return array[0].as_py()


def _name(record_id: str | None, raw: bytes) -> str:
    """The record's identifier; for a record without one, a hash of its content."""
    return record_id or f"content-{blake2b(raw, digest_size=12).hexdigest()}"
