"""Pages gathered into batches that are converted together, and chunks that are written together."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from orchestration_assets.errors import AccordError
from orchestration_assets.landing.convert import Batch
from orchestration_assets.model import Page

BATCH_RECORDS = 5_000
CHUNK_ROWS = 50_000
CHUNK_BYTES = 200_000_000
# A slow system's progress is stored at least this often.
CHUNK_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """A page with the time it was read; times of one reading strictly increase."""

    page: Page
    at: datetime


class Chunk:
    """Batches on their way to the warehouse, and the cursor after them."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.cursor: str | None = None
        self.began = time.monotonic()
        self.rows = 0
        self.size = 0

    def add(self, batch: Batch, cursor: str) -> None:
        """Take a batch and the cursor after its last page."""
        self.batches.append(batch)
        self.cursor = cursor
        self.rows += batch.rows.num_rows
        self.size += batch.rows.nbytes

    @property
    def is_late(self) -> bool:
        """Whether it has been gathering for long."""
        return time.monotonic() - self.began >= CHUNK_SECONDS

    @property
    def is_full(self) -> bool:
        """Whether it is time to write."""
        return bool(self.batches) and (
            self.rows >= CHUNK_ROWS or self.size >= CHUNK_BYTES or self.is_late
        )

    def table(self) -> pa.Table:
        """All rows of the chunk, in the order they were read."""
        return pa.concat_tables([batch.rows for batch in self.batches])


def chunks(
    convert: Callable[[Sequence[Arrived]], Batch], pages: Iterator[Arrived]
) -> Iterator[Chunk]:
    """Gather pages into batches and batches into chunks; the last chunk may be small.

    What was read before the system failed is handed on before the failure is.
    """
    chunk = Chunk()
    waiting: list[Arrived] = []
    failure: AccordError | None = None
    try:
        for arrived in pages:
            waiting.append(arrived)
            if sum(len(one.page.records) for one in waiting) >= BATCH_RECORDS or chunk.is_late:
                chunk.add(convert(waiting), arrived.page.cursor)
                waiting = []
            if chunk.is_full:
                yield chunk
                chunk = Chunk()
    except AccordError as error:
        failure = error
    if waiting:
        chunk.add(convert(waiting), waiting[-1].page.cursor)
    if chunk.batches:
        yield chunk
    if failure is not None:
        raise failure


def stamped(pages: Iterator[Page]) -> Iterator[Arrived]:
    """Give each page the time it was read."""
    last = datetime.min.replace(tzinfo=UTC)
    for page in pages:
        last = max(datetime.now(UTC), last + timedelta(microseconds=1))
        yield Arrived(page, last)
