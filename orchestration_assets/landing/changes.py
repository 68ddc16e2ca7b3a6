"""What is new in a chunk: compares it with the versions that have landed before.

Loads that are named as left out count as if they had never landed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.landing.contract import (
    LOAD_ID,
    UTC_MICROSECONDS,
    arrow_schema,
    raw_schema,
)
from orchestration_assets.model import Stream
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified


class _Version(NamedTuple):
    """One version of a record; times are microseconds since 1970, versions sort by them."""

    source_at: int
    loaded_at: int
    row_hash: str
    is_deleted: bool


_COLUMNS = ("_record_id", "_source_at", "_loaded_at", "_row_hash", "_is_deleted")


def only_changes(
    session: Session, stream: Stream, chunk: pa.Table, left_out: Sequence[str] = ()
) -> pa.Table:
    """Drop the rows that say what the newest landed version of their record says already.

    A deletion of a record whose newest version is a deletion is no change. A version older than
    the newest one lands unless that very version has landed.
    """
    landed = _landed_versions(session, stream, chunk.column("_record_id"), left_out)
    suspects = _suspects(chunk, landed)
    unchanged: list[int] = []
    for position, (record_id, version) in suspects:
        versions = landed.setdefault(record_id, [])
        if _is_change(version, versions):
            versions.append(version)
        else:
            unchanged.append(position)
    if not unchanged:
        return chunk
    positions = pa.array(range(chunk.num_rows), pa.int64())
    return chunk.filter(pc.invert(pc.is_in(positions, value_set=pa.array(unchanged, pa.int64()))))


def _suspects(
    chunk: pa.Table, landed: Mapping[str, list[_Version]]
) -> list[tuple[int, tuple[str, _Version]]]:
    """Rows whose record has landed before or comes more than once; all others are new."""
    record_ids = chunk.column("_record_id")
    counts = pc.value_counts(record_ids)
    again = counts.field(0).filter(pc.greater(counts.field(1), 1))
    wanted = pa.concat_arrays([again, pa.array(list(landed), pa.string())])
    mask = pc.is_in(record_ids, value_set=wanted)
    positions = pa.array(range(chunk.num_rows), pa.int64()).filter(mask.combine_chunks())
    rows = chunk.select(_COLUMNS).filter(mask)
    return list(zip(positions.to_pylist(), _versions(rows), strict=True))


def _versions(rows: pa.Table) -> Iterator[tuple[str, _Version]]:
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        for column in (rows.column(name) for name in _COLUMNS)
    ]
    for record_id, *rest in zip(*(column.to_pylist() for column in columns), strict=True):
        yield record_id, _Version(*rest)


def _is_change(version: _Version, landed: list[_Version]) -> bool:
    if not landed:
        return True
    newest = max(landed)
    if version.is_deleted and newest.is_deleted:
        return False
    if version[2:] == newest[2:]:
        return False
    if version.source_at >= newest.source_at:
        return True
    return all((version.source_at, *version[2:]) != (one.source_at, *one[2:]) for one in landed)


def _landed_versions(
    session: Session, stream: Stream, record_ids: pa.ChunkedArray, left_out: Sequence[str]
) -> dict[str, list[_Version]]:
    table = qualified(raw_schema(stream), stream.name)
    if session.scalar(f"select 1 from {table} limit 1") is None:
        return {}
    found = session.arrow(
        f"select {', '.join(_COLUMNS)} from {table}"
        f" where _record_id in (select unnest(:ids::text[])) and {_counted(left_out)}",
        {"ids": record_ids.unique().to_pylist(), "left_out": list(left_out)},
    )
    landed: dict[str, list[_Version]] = {}
    for record_id, version in _versions(found):
        landed.setdefault(record_id, []).append(version)
    return landed


def vanished_ids(
    session: Session,
    stream: Stream,
    seen: pa.Array,
    before: datetime,
    left_out: Sequence[str] = (),
) -> list[str]:
    """Identifiers of living records that landed before a full sweep began and were not in it.

    Args:
        session: open on the warehouse.
        stream: that was read in full.
        seen: identifiers that the sweep saw.
        before: start of the sweep; records that landed later are left alone.
        left_out: loads that do not count.
    """
    names = "_record_id, _is_deleted, _loaded_at"
    living = session.arrow(
        f"select _record_id from ({_newest(stream, names, left_out)}) newest"
        " where _rank = 1 and not _is_deleted and _loaded_at < :before",
        {"before": before, "left_out": list(left_out)},
    ).column("_record_id")
    return living.filter(pc.invert(pc.is_in(living, value_set=seen))).to_pylist()


def deletion_rows(
    session: Session,
    stream: Stream,
    record_ids: Sequence[str],
    now: datetime,
    left_out: Sequence[str] = (),
) -> pa.Table:
    """The newest version of each record once more, as a deletion that landed `now`.

    Each carries the vendor's time of that version, because nobody knows the time of the deletion:
    a later version wins over it, and so does the same one when it is seen again.
    """
    schema = arrow_schema(stream)
    names = ", ".join(identifier(name) for name in schema.names)
    rows = session.arrow(
        f"select {names} from ({_newest(stream, names, left_out)}"
        "   and _record_id in (select unnest(:ids::text[]))) newest where _rank = 1",
        {"ids": list(record_ids), "left_out": list(left_out)},
    ).cast(schema)
    for name, values in (
        ("_loaded_at", pa.array([now] * rows.num_rows, UTC_MICROSECONDS)),
        ("_is_deleted", pa.array([True] * rows.num_rows, pa.bool_())),
    ):
        rows = rows.set_column(schema.get_field_index(name), schema.field(name), values)
    return rows


def _newest(stream: Stream, names: str, left_out: Sequence[str]) -> str:
    return (
        f"select {names}, row_number() over (partition by _record_id"
        " order by _source_at desc, _loaded_at desc) as _rank"
        f" from {qualified(raw_schema(stream), stream.name)} where {_counted(left_out)}"
    )


def _counted(left_out: Sequence[str]) -> str:
    """Condition on the loads that count; the parameter `left_out` holds the others."""
    return f"{LOAD_ID} not in (select unnest(:left_out::text[]))" if left_out else "1 = 1"
