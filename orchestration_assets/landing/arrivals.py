"""What arrived and is to be judged: a table of it without content, and the facts of each stream.

The table holds ids, times, hashes, flags, and which columns are filled in; it is emptied once it
was judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from orchestration_assets.landing.contract import LOAD_ID, UTC_MICROSECONDS, raw_schema
from orchestration_assets.landing.raw_tables import LANDING
from orchestration_assets.model import Kind, Stream
from orchestration_assets.warehouse.readings import ADMITTED, ADMITTED_LOADS, PASSED
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified

ARRIVED = f"{LANDING}.arrived"
_COLUMNS = pa.schema(
    [
        ("_stream", pa.string()),
        ("_record_id", pa.string()),
        ("_source_at", UTC_MICROSECONDS),
        ("_row_hash", pa.string()),
        ("_is_deleted", pa.bool_()),
        ("_is_superseded", pa.bool_()),
        ("_is_from_future", pa.bool_()),
        ("_is_set_back", pa.bool_()),
        ("_is_new", pa.bool_()),
        ("_deletes_living", pa.bool_()),
        ("_lacks_required", pa.bool_()),
        ("_filled", pa.string()),
    ]
)

# Readings of single records come in such numbers that a stream's history would be made of them.
_SAYS_MUCH = "(r.is_complete or {load}.rows > {few})"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the facts are drawn with.

    Attributes:
        future: how far ahead of now a change may lie.
        set_back: how far behind the newest known change it may lie.
        few: up to so many rows, deletions or new records, the warehouse is not asked for more.
        window: in which deletions count together.
        looked_at: how many readings a history looks back on.
        share_rows: from how many rows on shares say something.
    """

    future: timedelta
    set_back: timedelta
    few: int
    window: timedelta
    looked_at: int
    share_rows: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What arrived, beside what the stream brought before.

    Attributes:
        rows: record versions that are to be judged.
        is_obsolete: all that arrived has arrived again since, and that passed.
        known: records that passed before; None while there is no history.
        grown_before: rows of the newest readings since the first complete one.
        living: living records; counted where many are deleted.
        deleted_before: records deleted within the window already.
        found_nothing: a full reading saw no living record although some were known.
        history_rows: living records that the history of filled columns looks at.
        filled: by column, how many of those fill it in; in the order of their places.
    """

    rows: int
    is_obsolete: bool = False
    known: int | None = None
    grown_before: tuple[int, ...] = ()
    living: int = 0
    deleted_before: int = 0
    found_nothing: bool = False
    history_rows: int = 0
    filled: Mapping[str, int] = field(default_factory=dict)


def begin_arrived(session: Session) -> None:
    """Make the table of what arrived where it is missing, and empty it."""
    session.create_table(LANDING, "arrived", _COLUMNS)
    empty_arrived(session)


def empty_arrived(session: Session) -> None:
    """Forget what arrived."""
    session.execute(f"delete from {ARRIVED}")


def gather(
    session: Session,
    stream: Stream,
    batch: Sequence[Mapping[str, Any]],
    bounds: Bounds,
    *,
    again: bool,
) -> Facts:
    """Put what arrived in these readings into the table, and tell the facts.

    Args:
        session: inside a transaction.
        stream: of all of them.
        batch: readings as `readings_with` gives them.
        bounds: what to draw the facts with.
        again: the reading is held and looked at again: what arrived anew since, and passed, counts
            no more.
    """
    here = {"system": stream.system, "stream": stream.name, "key": stream.key}
    loads = [load for reading in batch for load in reading["loads"]]
    landed = sum(reading["rows"] for reading in batch)
    history_rows, filled = 0, {}
    if landed >= bounds.share_rows:
        history_rows, filled = _filled_before(session, stream, here, bounds)
    _fill(session, stream, batch, loads, list(filled), here, bounds)
    is_obsolete = False
    if again and landed:
        is_obsolete = _leave_out_superseded(session, stream, here, batch[0]["started_at"])
    deletions = _count(session, stream, "_is_deleted")
    deleted_before, living = 0, 0
    if deletions:
        deleted_before = _deleted_before(session, stream, here, bounds)
        if deletions + deleted_before > bounds.few:
            living = _count_living(session, stream, here)
    known, grown_before = _history(session, stream, here, landed, bounds)
    return Facts(
        rows=_count(session, stream, "1 = 1"),
        is_obsolete=is_obsolete,
        known=known,
        grown_before=grown_before,
        living=living,
        deleted_before=deleted_before,
        found_nothing=bool(deletions)
        and any(one["is_full"] and one["is_complete"] and not one["living_seen"] for one in batch),
        history_rows=history_rows,
        filled=filled,
    )


def _fill(
    session: Session,
    stream: Stream,
    batch: Sequence[Mapping[str, Any]],
    loads: Sequence[str],
    columns: Sequence[str],
    here: Mapping[str, str],
    bounds: Bounds,
) -> None:
    required = [identifier(one.name) for one in stream.fields if one.required]
    lacks = " or ".join(f"{name} is null" for name in required) or "false"
    flags = [f"case when {identifier(name)} is null then '0' else '1' end" for name in columns]
    filled = " || ".join(flags) or "''"
    newest = None
    if not any(reading["is_full"] for reading in batch):
        newest = session.scalar(
            f"select max(watermark) from landing.loads where load_id in ({ADMITTED_LOADS})"
            " and system = :system and stream = :stream",
            here,
        )
    session.execute(
        f"insert into {ARRIVED} ({', '.join(_COLUMNS.names)})"
        " select cast(:key as text), _record_id, _source_at, _row_hash, _is_deleted, false,"
        " coalesce(_source_at > cast(:limit as timestamptz), false),"
        " coalesce(_source_at < cast(:old as timestamptz), false), false, _is_deleted,"
        f" not _is_deleted and ({lacks}), {filled}"
        f" from {_raw(stream)} where {LOAD_ID} in (select unnest(:loads::text[]))",
        {
            "key": stream.key,
            "limit": datetime.now(UTC) + bounds.future,
            "old": newest - bounds.set_back if newest else None,
            "loads": list(loads),
        },
    )


def _leave_out_superseded(
    session: Session, stream: Stream, here: Mapping[str, str], since: datetime
) -> bool:
    """Take out what arrived again since; True where nothing else is left.

    A version from the future stays: nothing that arrives later wins over it.
    """
    session.execute(
        f"update {ARRIVED} set _is_superseded = true where _stream = :key and _record_id in ("
        f"select _record_id from {_raw(stream)} where {LOAD_ID} in ({ADMITTED_LOADS}"
        " and r.started_at > cast(:since as timestamptz)))",
        {**here, "since": since},
    )
    left = _count(session, stream, "not _is_superseded")
    session.execute(
        f"delete from {ARRIVED} where _stream = :key and _is_superseded and not _is_from_future",
        here,
    )
    return not left


def _filled_before(
    session: Session, stream: Stream, here: Mapping[str, str], bounds: Bounds
) -> tuple[int, dict[str, int]]:
    """Living records of the newest readings that passed, and how many fill in each column."""
    names = [one.name for one in stream.fields if one.kind is not Kind.JSON and not one.required]
    counts = "".join(f", count({identifier(name)}) as {identifier(name)}" for name in names)
    found = session.rows(
        f"select count(*) as _rows{counts} from {_raw(stream)} where not _is_deleted"
        f" and {LOAD_ID} in (select l.load_id from landing.loads l where l.system = :system"
        " and l.stream = :stream and l.reading_id in ("
        "select r.reading_id from landing.readings r where r.system = :system"
        f" and r.stream = :stream and r.status in {ADMITTED} and exists ("
        "select 1 from landing.loads o where o.reading_id = r.reading_id"
        f" and {_SAYS_MUCH.format(load='o', few=bounds.few)})"
        f" order by r.started_at desc limit {bounds.looked_at}))",
        here,
    )[0]
    return found["_rows"], {name: found[name] for name in names}


def _deleted_before(
    session: Session, stream: Stream, here: Mapping[str, str], bounds: Bounds
) -> int:
    """Records deleted by readings within the window; what a person accepted is left out."""
    return session.scalar(
        f"select count(distinct _record_id) from {_raw(stream)} where _is_deleted"
        f" and {LOAD_ID} in (select l.load_id from landing.loads l"
        " join landing.readings r on r.reading_id = l.reading_id"
        f" where r.status = '{PASSED}' and l.system = :system and l.stream = :stream"
        " and r.ended_at > cast(:since as timestamptz))",
        {**here, "since": datetime.now(UTC) - bounds.window},
    )


def _count_living(session: Session, stream: Stream, here: Mapping[str, str]) -> int:
    """Living records as what passed says; a deletion of another one deletes nothing."""
    living = (
        "select _record_id from (select _record_id, _is_deleted, row_number() over ("
        "partition by _record_id order by _source_at desc, _loaded_at desc) as _rank"
        f" from {_raw(stream)} where {LOAD_ID} in ({ADMITTED_LOADS})) newest"
        " where _rank = 1 and not _is_deleted"
    )
    session.execute(
        f"update {ARRIVED} set _deletes_living = false where _stream = :key and _is_deleted"
        f" and _record_id not in ({living})",
        here,
    )
    return session.scalar(f"select count(*) from ({living}) living", here)


def _history(
    session: Session, stream: Stream, here: Mapping[str, str], landed: int, bounds: Bounds
) -> tuple[int | None, tuple[int, ...]]:
    """Records known before, and rows of the newest readings; None while there is no history."""
    first = session.scalar(
        "select min(r.started_at) from landing.readings r join landing.loads l"
        " on l.reading_id = r.reading_id where r.system = :system and r.stream = :stream"
        f" and r.status in {ADMITTED} and r.is_complete",
        here,
    )
    if first is None or landed <= bounds.few:
        return None, ()
    grown = session.rows(
        "select r.started_at, sum(l.rows) as landed from landing.readings r join landing.loads l"
        " on l.reading_id = r.reading_id where r.system = :system and r.stream = :stream"
        f" and r.status in {ADMITTED} and r.started_at > cast(:first as timestamptz)"
        f" and {_SAYS_MUCH.format(load='l', few=bounds.few)}"
        f" group by r.reading_id, r.started_at order by 1 desc limit {bounds.looked_at}",
        {**here, "first": first},
    )
    passed = f"select _record_id from {_raw(stream)} where {LOAD_ID} in ({ADMITTED_LOADS})"
    session.execute(
        f"update {ARRIVED} set _is_new = true where _stream = :key"
        f" and _record_id not in ({passed})",
        here,
    )
    known = session.scalar(f"select count(distinct _record_id) from ({passed}) known", here)
    return known, tuple(int(row["landed"]) for row in grown)


def _count(session: Session, stream: Stream, condition: str) -> int:
    return session.scalar(
        f"select count(*) from {ARRIVED} where _stream = :key and {condition}", {"key": stream.key}
    )


def _raw(stream: Stream) -> str:
    return qualified(raw_schema(stream), stream.name)
