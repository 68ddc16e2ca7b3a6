"""Events of many callers in one commit: a bounded queue and the one thread that writes it.

While a commit waits for the disk, the next callers queue up; the next commit takes them all. A
caller's future is settled after the commit that holds its events, never before.
"""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DataError, IntegrityError

from orchestration_assets.errors import AccordError, FatalError, RetriableError
from orchestration_assets.events.database import writing

_log = structlog.get_logger(__name__)

COLUMNS = (
    "system", "event_id", "topic", "subject", "occurred_at", "received_at", "accepted_at", "body",
)  # fmt: skip
# SQLite's own limit is 32,766 bound values; past some hundred rows a statement gains nothing.
_ROWS_A_STATEMENT = 200
_RETRY_AFTER_S = 2.0
_STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event as it is handed to the inbox.

    Args:
        system: who sent it; `events` for first-party events.
        event_id: the sender's name for it; the same one twice is the same event.
        topic: what happened, in the sender's words.
        subject: events of one subject of a system are worked off in order; empty: on its own.
        occurred_at: when it happened, as the sender says.
        received_at: when its request began to arrive.
        body: the sender's bytes.
    """

    system: str
    event_id: str
    topic: str
    subject: str
    occurred_at: datetime | None
    received_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that is on disk, now or since an earlier call."""

    system: str
    event_id: str
    is_duplicate: bool


@dataclass(slots=True)
class _Call:
    events: Sequence[NewEvent]
    future: "Future[list[Accepted]]" = field(default_factory=Future)


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
        call = _Call(events)
        with self._changed:
            if self._is_closed:
                raise _unwritable("The inbox is closed.")
            if self._queued + len(events) > self._capacity:
                raise _unwritable("Too many events wait for the inbox's disk.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="inbox", daemon=True)
                self._thread.start()
            self._calls.append(call)
            self._queued += len(events)
            self._changed.notify()
        return call.future

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
                if calls:
                    self._write(calls)
            finally:
                # Whatever happened above: nobody waits for ever, and the next group is written.
                for call in calls:
                    if not call.future.done():
                        call.future.set_exception(_unwritable("The inbox could not be written."))

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
        # From here on a caller that goes away cannot cancel; what is cancelled already stays out.
        return [call for call in taken if call.future.set_running_or_notify_cancel()]

    def _write(self, calls: list[_Call]) -> None:
        try:
            results = self._commit([event for call in calls for event in call.events])
        except (DataError, IntegrityError, ValueError, UnicodeError) as error:
            self._write_apart(calls, error)
        except Exception as error:
            _log.error("the inbox cannot be written", error=type(error).__name__)
            for call in calls:
                call.future.set_exception(_unwritable("The inbox's store cannot be written."))
        else:
            start = 0
            for call in calls:
                end = start + len(call.events)
                call.future.set_result(results[start:end])
                start = end

    def _write_apart(self, calls: list[_Call], error: Exception) -> None:
        """Find the call that the store will never take; the others are not to suffer from it."""
        if len(calls) > 1:
            for call in calls:
                self._write([call])
            return
        refusal: AccordError = FatalError(
            f"The inbox's store does not take an event ({type(error).__name__}).",
            "send text without NUL characters and broken surrogates.",
        )
        calls[0].future.set_exception(refusal)

    def _commit(self, events: Sequence[NewEvent]) -> list[Accepted]:
        """Insert in one transaction; an event that is there already stays as it is."""
        fresh: set[tuple[str, str]] = set()
        with writing(self._engine) as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            now = datetime.now(UTC)
            for start in range(0, len(events), _ROWS_A_STATEMENT):
                chunk = events[start : start + _ROWS_A_STATEMENT]
                values = tuple(v for one in chunk for v in _values(one, now, is_sqlite=is_sqlite))
                statement = _insert(len(chunk), "?" if is_sqlite else "%s")
                rows = connection.exec_driver_sql(statement, values)
                fresh.update((row[0], row[1]) for row in rows)
        results = []
        for one in events:
            key = (one.system, one.event_id)
            results.append(Accepted(*key, is_duplicate=key not in fresh))
            # A second copy within the group is a duplicate of the first.
            fresh.discard(key)
        return results


def _insert(rows: int, mark: str) -> str:
    row = f"({', '.join([mark] * len(COLUMNS))})"
    return (
        f"insert into inbox_events ({', '.join(COLUMNS)}) values {', '.join([row] * rows)}"
        " on conflict (system, event_id) do nothing returning system, event_id"
    )


def _values(event: NewEvent, now: datetime, *, is_sqlite: bool) -> tuple[Any, ...]:
    moments = (event.occurred_at, event.received_at, now)
    return (
        event.system,
        event.event_id,
        event.topic,
        event.subject or event.event_id,
        *(map(_as_sqlite_text, moments) if is_sqlite else moments),
        event.body,
    )


def _as_sqlite_text(moment: datetime | None) -> str | None:
    """UTC without its zone, as `UtcDateTime` writes and reads it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _unwritable(message: str) -> RetriableError:
    return RetriableError(
        message,
        "send the event again; if it stays so, look at the disk and at ACCORD_INBOX_URL.",
        retry_after=_RETRY_AFTER_S,
    )
