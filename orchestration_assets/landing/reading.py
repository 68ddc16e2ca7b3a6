"""Reading ahead: the next pages arrive while the last ones are converted and written."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestration_assets.model import Page, Source

# Bounds what is read but not yet converted: 20 pages of 1,000 records are some 50 MB.
_PAGES_AHEAD = 20
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A page with the time it was read; times of one reading strictly increase."""

    page: Page
    at: datetime


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


def read_ahead(source: Source, stream: str, cursor: str | None, *, full: bool) -> Iterator[Arrived]:
    """Yield the source's pages in order, read on a thread of their own.

    Raises:
        AccordError: what `Source.read` raised, after the pages that came before it.
    """
    arrived: queue.Queue[object] = queue.Queue(_PAGES_AHEAD)
    stopped = threading.Event()

    def put(item: object) -> bool:
        while not stopped.is_set():
            try:
                arrived.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def pump() -> None:
        last = datetime.min.replace(tzinfo=UTC)
        try:
            for page in source.read(stream, cursor, full=full):
                last = max(datetime.now(UTC), last + _TICK)
                if not put(Arrived(page, last)):
                    return
            put(_END)
        except BaseException as error:
            put(_Failed(error))

    thread = threading.Thread(target=pump, name=f"read {source.system}.{stream}", daemon=True)
    thread.start()
    try:
        while True:
            item = arrived.get()
            if isinstance(item, Arrived):
                yield item
            elif isinstance(item, _Failed):
                raise item.error
            else:
                return
    finally:
        stopped.set()
