"""Landing one stream: read, convert, compare, write through dlt, then store the cursor.

A chunk counts once its load and its cursor are stored. Whatever happens before that is read
again, and what has landed already is recognised and not written twice.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from orchestration_assets.landing.chunks import Arrived, chunks, stamped
from orchestration_assets.landing.raw_tables import ensure_raw_tables
from orchestration_assets.landing.steps import Landing
from orchestration_assets.model import LandingResult, Source, Stream
from orchestration_assets.state.store import StateStore
from orchestration_assets.warehouse.engine import Warehouse

__all__ = ["ensure_raw_tables", "land"]

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
    landing = Landing(stream, warehouse, state, home, full=full or stream.reads_all)
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
    landing: Landing, pages: Iterator[Arrived], stream: Stream, progress: Progress | None
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
