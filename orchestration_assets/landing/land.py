"""Landing one stream: read, convert, compare, write through dlt, then store the cursor.

A chunk counts once its load and its cursor are stored. Whatever happens before that is read
again, and what has landed already is recognised and not written twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from orchestration_assets.landing.changes import deletion_rows, only_changes, vanished_ids
from orchestration_assets.landing.chunks import Arrived, Chunk, chunks, stamped
from orchestration_assets.landing.contract import contract_of, raw_schema
from orchestration_assets.landing.convert import Batch, convert
from orchestration_assets.landing.cursors import Load, cursor_in, record
from orchestration_assets.landing.dlt_load import Loader, put_right, unfinished
from orchestration_assets.landing.progress import ReadingLog
from orchestration_assets.landing.raw_tables import ensure_raw_tables, tables_are_ready
from orchestration_assets.model import LandingResult, Source, Stream
from orchestration_assets.state import drift as drift_state
from orchestration_assets.state import quarantine
from orchestration_assets.state.store import StateStore
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.session import Session

__all__ = ["ensure_raw_tables", "land"]

_DELETIONS_AT_ONCE = 50_000
Progress = Callable[[int], None]


def land(
    stream: Stream,
    source: Source,
    warehouse: Warehouse,
    state: StateStore,
    home: Path,
    *,
    full: bool = False,
    progress: Progress | None = None,
) -> LandingResult:
    """Land what changed in one stream since its stored cursor.

    Args:
        stream: the contract.
        source: the system, open for reading.
        warehouse: target; raw table `raw_<system>.<stream>`, made when missing.
        state: takes quarantined records and schema drift.
        home: folder of the embedded stores.
        full: read everything from the beginning, and land a deletion for every living record
            that the system no longer has. A stream that always reads all does so whenever its
            source has changed. Whether deletions take effect is for the landing gate to say: a
            source that came back empty lands them all.
        progress: called with the number of records read so far, after each chunk.

    Returns:
        Counts of rows. A second landing without a change at the source writes nothing.

    Raises:
        FatalError: wrong credentials or scope.
        RetriableError: the system or the writer lock stayed unavailable; what was stored before
            stays, and the next landing goes on from there.
    """
    landing = _Landing(stream, warehouse, state, home, full=full or stream.reads_all)
    cursor = landing.resume()
    if stream.reads_all and not full and not source.has_changed(stream.name, cursor):
        return landing.result()
    full = full or stream.reads_all
    started_at = datetime.now(UTC)
    is_complete = False
    try:
        _read(landing, stamped(source.read(stream.name, cursor, full=full)), stream, progress)
        if full:
            landing.store_vanished(started_at)
        if stream.reads_all:
            landing.release_others()
        is_complete = True
    finally:
        landing.end(is_complete=is_complete)
    return landing.result()


def _read(
    landing: "_Landing", pages: Iterator[Arrived], stream: Stream, progress: Progress | None
) -> None:
    """One chunk is written while the next is read and converted; a third waits."""
    with ThreadPoolExecutor(1, thread_name_prefix=f"land {stream.key}") as writer:
        writing: Future[None] | None = None
        for chunk in chunks(landing.convert, pages):
            if writing is not None:
                writing.result()
            writing = writer.submit(landing.store, chunk)
            if progress is not None:
                progress(landing.rows_read)
        if writing is not None:
            writing.result()


class _Landing:
    """The running totals of one landing and its steps."""

    def __init__(
        self, stream: Stream, warehouse: Warehouse, state: StateStore, home: Path, *, full: bool
    ) -> None:
        self._full = full
        self._stream = stream
        self._warehouse = warehouse
        self._state = state
        self._home = home
        self._loader = Loader(stream, warehouse, home)
        self._contract = contract_of(stream)
        self._log = ReadingLog(stream, warehouse, full=full)
        self._held = quarantine.held_ids(state, stream.system, stream.name)
        self._cursor: str | None = None
        self._seen: list[pa.Array] = []
        self._rejected: set[str] = set()
        self._living_seen = 0
        self._quarantined: Counter[str] = Counter()
        self._drift: Counter[str] = Counter()
        self._load_ids: list[str] = []
        self._watermark: datetime | None = None
        self.rows_read = 0
        self._rows_before = 0
        self._landed = 0
        self._deleted = 0
        self._unchanged = 0

    def resume(self) -> str | None:
        """Make what is missing, put right what a killed process left; the cursor to read from."""
        with self._warehouse.reader() as session:
            is_ready = tables_are_ready([self._stream], session)
            crashed = is_ready and self._look(session)
        if not is_ready:
            ensure_raw_tables([self._stream], self._warehouse, self._home)
            with self._warehouse.reader() as session:
                crashed = self._look(session)
        self._log.end_abandoned()
        if crashed:
            self._load_ids += put_right(self._warehouse, self._stream)
            with self._warehouse.reader() as session:
                self._rows_before = self._count(session)
        return self._cursor

    def _look(self, session: Session) -> bool:
        """See where the stream stands; whether a killed process left a load."""
        self._cursor = cursor_in(session, self._stream)
        self._log.look(session)
        self._rows_before = self._count(session)
        return bool(unfinished(session, self._stream))

    def _count(self, session: Session) -> int:
        return session.count(raw_schema(self._stream), self._stream.name)

    def convert(self, arrived: Sequence[Arrived]) -> Batch:
        """Convert pages to rows; count what was read."""
        records = [record for one in arrived for record in one.page.records]
        times = [one.at for one in arrived for _ in one.page.records]
        deleted = [one.page.deleted for one in arrived for _ in one.page.records]
        batch = convert(self._contract, records, times, deleted)
        self.rows_read += len(records)
        self._living_seen += len(records) - sum(deleted)
        if self._full:
            self._seen += batch.rows.column("_record_id").chunks
            self._seen.append(pa.array([one.record_id for one in batch.rejected], pa.string()))
        return batch

    def store(self, chunk: Chunk) -> None:
        """Make a chunk durable: rejected records first, then the rows, then the cursor."""
        rejected = self._keep_aside(chunk)
        table = chunk.table()
        cursor = chunk.cursor if chunk.cursor != self._cursor else None
        if table.num_rows:
            self._write(table, cursor)
            self._release(table, rejected)
        elif cursor is not None:
            with self._warehouse.writer(f"cursor of {self._stream.key}") as session:
                record(session, self._stream, [], cursor)
        self._cursor = chunk.cursor

    def _write(self, table: pa.Table, cursor: str | None) -> None:
        key = self._stream.key
        loads: list[Load] = []
        with self._warehouse.turn(f"land {key}"):
            with self._warehouse.writer(f"compare with {key}") as session:
                rows = only_changes(session, self._stream, table, self._log.left_out)
                if not rows.num_rows:
                    record(session, self._stream, [], cursor)
            self._unchanged += table.num_rows - rows.num_rows
            if rows.num_rows:
                watermark = pc.max(rows.column("_source_at")).as_py()
                loads = [Load(self._loader.load(rows), rows.num_rows, watermark)]
                with self._warehouse.writer(f"register load of {key}") as session:
                    reading_id = self._log.note(session)
                    record(session, self._stream, loads, cursor, reading_id)
        deletions = pc.sum(rows.column("_is_deleted")).as_py() or 0
        self._deleted += deletions
        self._landed += rows.num_rows - deletions
        for load in loads:
            self._load_ids.append(load.load_id)
            newest = [moment for moment in (self._watermark, load.watermark) if moment]
            self._watermark = max(newest, default=None)
        structlog.get_logger(__name__).info(
            "chunk_landed", stream=key, rows=rows.num_rows, unchanged=table.num_rows - rows.num_rows
        )

    def store_vanished(self, started_at: datetime) -> None:
        """After a full reading, land a deletion for each living record that it did not see."""
        seen = pa.concat_arrays(self._seen) if self._seen else pa.array([], pa.string())
        with self._warehouse.reader() as session:
            gone = vanished_ids(session, self._stream, seen, started_at, self._log.left_out)
        for start in range(0, len(gone), _DELETIONS_AT_ONCE):
            with self._warehouse.reader() as session:
                rows = deletion_rows(
                    session,
                    self._stream,
                    gone[start : start + _DELETIONS_AT_ONCE],
                    datetime.now(UTC),
                    self._log.left_out,
                )
            self._write(rows, None)

    def _keep_aside(self, chunk: Chunk) -> set[str]:
        """Hold what broke the contract; return the ids."""
        rejected = [one for batch in chunk.batches for one in batch.rejected]
        if rejected:
            quarantine.hold(self._state, self._stream.system, self._stream.name, rejected)
            self._held |= {one.record_id for one in rejected}
            self._rejected |= {one.record_id for one in rejected}
            self._quarantined.update(one.rule for one in rejected)
        drift: Counter[str] = Counter()
        for batch in chunk.batches:
            drift.update(batch.drift)
        if drift:
            drift_state.report(self._state, self._stream.system, self._stream.name, drift)
            self._drift.update(drift)
        return {one.record_id for one in rejected}

    def _release(self, table: pa.Table, rejected: AbstractSet[str]) -> None:
        """Release what landed well, unless a version of it was rejected in the same chunk."""
        waiting = self._held - rejected
        if not waiting:
            return
        good = waiting.intersection(table.column("_record_id").to_pylist())
        if good:
            quarantine.release(self._state, self._stream.system, self._stream.name, sorted(good))
            self._held -= good

    def release_others(self) -> None:
        """Let go what is held and was not rejected again: it was mended or is gone."""
        gone = self._held - self._rejected
        if gone:
            quarantine.release(self._state, self._stream.system, self._stream.name, sorted(gone))
            self._held -= gone

    def end(self, *, is_complete: bool) -> None:
        """Say of the reading that it is over, and what it saw: from now on it can be judged."""
        self._log.end(
            is_complete=is_complete,
            rows_read=self.rows_read,
            rows_rejected=sum(self._quarantined.values()),
            living_seen=self._living_seen,
        )

    def result(self) -> LandingResult:
        """What this landing did."""
        return LandingResult(
            system=self._stream.system,
            stream=self._stream.name,
            rows_read=self.rows_read,
            rows_landed=self._landed,
            rows_deleted=self._deleted,
            rows_unchanged=self._unchanged,
            rows_total=self._rows_before + self._landed + self._deleted,
            quarantined=dict(self._quarantined),
            drift=tuple(sorted(self._drift)),
            load_ids=tuple(self._load_ids),
            watermark=self._watermark.isoformat() if self._watermark else None,
        )
