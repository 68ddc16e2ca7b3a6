"""Events of many callers in one commit: a bounded queue and the one thread that writes it.

While a commit waits for the disk, the next callers queue up; the next commit takes them all. A
caller's future is settled after the commit that holds its events, never before.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DataError, IntegrityError

from orchestration_assets.errors import AccordError, FatalError, RetriableError
from orchestration_assets.events.insertion import Accepted, NewEvent, insert
from orchestration_assets.state.sqlite import writing

_log = structlog.get_logger(__name__)

# SQLite's own limit is 32,766 bound values; past some hundred rows a statement gains nothing.
_ROWS_A_STATEMENT = 200
_RETRY_AFTER_S = 2.0
_STOP_S = 30.0


@dataclass(slots=True)
class _Call:
    """Events of one caller; `loop` is where its future lives, None where a thread waits for it."""

    events: Sequence[NewEvent]
    future: "Future[list[Accepted]] | asyncio.Future[list[Accepted]]"
    loop: asyncio.AbstractEventLoop | None = None
    outcome: list[Accepted] | AccordError | None = None

    def settle(self) -> None:
        """Tell the caller; in its own loop's thread, where it has one."""
        if self.future.done():
            return
        if isinstance(self.outcome, list):
            self.future.set_result(self.outcome)
        else:
            self.future.set_exception(self.outcome or _unwritable("The inbox was not written."))


class GroupWriter:
    """Writes what callers submit, many at a commit.

    Args:
        engine: from `database.open_engine`.
        capacity: events that may wait; more are refused.
        group: events of one commit at most.
    """

    def __init__(self, engine: sa.Engine, capacity: int, group: int = 1_000) -> None:
        self._engine = engine
        self._capacity = capacity
        self._group = group
        self._calls: deque[_Call] = deque()
        self._queued = 0
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    @property
    def queued(self) -> int:
        """Events that wait for a commit."""
        return self._queued

    def submit(self, events: Sequence[NewEvent]) -> "Future[list[Accepted]]":
        """Queue the events; the future holds their results, in their order, once they are on disk.

        Raises:
            RetriableError: too many wait already, or the inbox is closed. The future raises it too,
                when the store cannot be written.
        """
        future: Future[list[Accepted]] = Future()
        future.set_running_or_notify_cancel()
        self._queue(_Call(events, future))
        return future

    def submit_in_loop(self, events: Sequence[NewEvent]) -> "asyncio.Future[list[Accepted]]":
        """As `submit`, for a caller in a running loop; a commit wakes each loop once for all.

        Raises:
            RetriableError: see `submit`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Accepted]] = loop.create_future()
        self._queue(_Call(events, future, loop))
        return future

    def _queue(self, call: _Call) -> None:
        with self._changed:
            if self._is_closed:
                raise _unwritable("The inbox is closed.")
            if self._queued + len(call.events) > self._capacity:
                raise _unwritable("Too many events wait for the inbox's disk.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="inbox", daemon=True)
                self._thread.start()
            self._calls.append(call)
            self._queued += len(call.events)
            self._changed.notify()

    def close(self) -> None:
        """Write what is queued, then stop."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _work(self) -> None:
        while not self._is_over():
            calls = self._next()
            try:
                self._write(calls)
            finally:
                # Whatever happened above: nobody waits for ever, and the next group is written.
                _settle(calls)

    def _is_over(self) -> bool:
        return self._is_closed and not self._calls

    def _next(self) -> list[_Call]:
        with self._changed:
            while not self._calls and not self._is_closed:
                self._changed.wait()
            taken: list[_Call] = []
            size = 0
            while self._calls and (not taken or size + len(self._calls[0].events) <= self._group):
                taken.append(self._calls.popleft())
                size += len(taken[-1].events)
            self._queued -= size
        return taken

    def _write(self, calls: Sequence[_Call]) -> None:
        """Write a group and note for each call what became of it."""
        if not calls:
            return
        try:
            results = self._commit([event for call in calls for event in call.events])
        except (DataError, IntegrityError, ValueError, UnicodeError) as error:
            self._write_apart(calls, error)
        except Exception as error:
            _log.error("the inbox cannot be written", error=type(error).__name__)
            for call in calls:
                call.outcome = _unwritable("The inbox's store cannot be written.")
        else:
            start = 0
            for call in calls:
                end = start + len(call.events)
                call.outcome = results[start:end]
                start = end

    def _write_apart(self, calls: Sequence[_Call], error: Exception) -> None:
        """Find the call that the store will never take; the others are not to suffer from it."""
        if len(calls) > 1:
            for call in calls:
                self._write([call])
            return
        calls[0].outcome = FatalError(
            f"The inbox's store does not take an event ({type(error).__name__}).",
            "send text without NUL characters and broken surrogates.",
        )

    def _commit(self, events: Sequence[NewEvent]) -> list[Accepted]:
        """Insert in one transaction; an event that is there already stays as it is."""
        fresh: set[tuple[str, str]] = set()
        with writing(self._engine) as connection:
            now = datetime.now(UTC)
            for start in range(0, len(events), _ROWS_A_STATEMENT):
                chunk = events[start : start + _ROWS_A_STATEMENT]
                fresh.update(insert(connection, chunk, now))
        results = []
        for one in events:
            key = (one.system, one.event_id)
            results.append(Accepted(*key, is_duplicate=key not in fresh))
            # A second copy within the group is a duplicate of the first.
            fresh.discard(key)
        return results


def _settle(calls: Sequence[_Call]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop | None, list[_Call]] = {}
    for call in calls:
        by_loop.setdefault(call.loop, []).append(call)
    for loop, group in by_loop.items():
        if loop is None:
            _tell(group)
            continue
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, group)


def _tell(calls: Sequence[_Call]) -> None:
    for call in calls:
        call.settle()


def _unwritable(message: str) -> RetriableError:
    return RetriableError(
        message,
        "send the event again; if it stays so, look at the disk and at ACCORD_INBOX_URL.",
        retry_after=_RETRY_AFTER_S,
    )
