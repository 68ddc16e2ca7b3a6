"""The steps of one landing, and what they come to.

What is written, compared, held back and told to the landing gate is the same for every landing,
however its records were read.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from orchestration_assets.landing.changes import deletion_rows, only_changes, vanished_ids
from orchestration_assets.landing.chunks import Arrived, Chunk
from orchestration_assets.landing.contract import contract_of, raw_schema
from orchestration_assets.landing.convert import Batch, convert
from orchestration_assets.landing.cursors import Load, cursor_in, record
from orchestration_assets.landing.dlt_load import Loader, put_right, unfinished
from orchestration_assets.landing.progress import ReadingLog
from orchestration_assets.landing.raw_tables import ensure_raw_tables, tables_are_ready
from orchestration_assets.model import LandingResult, Stream
from orchestration_assets.state import drift as drift_state
from orchestration_assets.state import quarantine
from orchestration_assets.state.quarantine import Rejected
from orchestration_assets.state.store import StateStore
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.session import Session

_DELETIONS_AT_ONCE = 50_000


class ChunkLoader(Protocol):
    """Writes chunks to a stream's raw table."""

    def load(self, rows: pa.Table) -> str:
        """Append the rows while the writer lock is held; return the load's id."""
        ...


class Landing:
    """The running totals of one landing and its steps.

    Args:
        stream: the contract.
        warehouse: target.
        state: takes quarantined records and schema drift.
        home: folder of the embedded stores.
        full: all that there is is read.
        beside: single records are read beside the stream's own readings, one of which may be under
            way: neither the cursor nor those readings are touched, and the table is not counted.
        loader: writes the rows; dlt does where none is named.
    """

    def __init__(
        self,
        stream: Stream,
        warehouse: Warehouse,
        state: StateStore,
        home: Path,
        *,
        full: bool = False,
        beside: bool = False,
        loader: ChunkLoader | None = None,
    ) -> None:
        self._full = full
        self._beside = beside
        self._stream = stream
        self._warehouse = warehouse
        self._state = state
        self._home = home
        self._loader = loader or Loader(stream, warehouse, home)
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
        if not self._beside:
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
        return 0 if self._beside else session.count(raw_schema(self._stream), self._stream.name)

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
        moved = not self._beside and chunk.cursor != self._cursor
        cursor = chunk.cursor if moved else None
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
        self.hold(rejected)
        drift: Counter[str] = Counter()
        for batch in chunk.batches:
            drift.update(batch.drift)
        if drift:
            drift_state.report(self._state, self._stream.system, self._stream.name, drift)
            self._drift.update(drift)
        return {one.record_id for one in rejected}

    def hold(self, rejected: Sequence[Rejected]) -> None:
        """Put records in quarantine, and count them."""
        if rejected:
            quarantine.hold(self._state, self._stream.system, self._stream.name, rejected)
            self._held |= {one.record_id for one in rejected}
            self._rejected |= {one.record_id for one in rejected}
            self._quarantined.update(one.rule for one in rejected)

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
            rows_total=0 if self._beside else self._rows_before + self._landed + self._deleted,
            quarantined=dict(self._quarantined),
            drift=tuple(sorted(self._drift)),
            load_ids=tuple(self._load_ids),
            watermark=self._watermark.isoformat() if self._watermark else None,
        )
