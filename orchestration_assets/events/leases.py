"""Who works on which events: leased in order, one worker a subject, settled under a fence.

A lease is a promise with an end. Who sleeps past it holds an old fence, and what it then says of
its events changes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from orchestration_assets.errors import AccordError
from orchestration_assets.events.tables import IS_LEASED, IS_OPEN, inbox_events
from orchestration_assets.logs import clean_text
from orchestration_assets.state.sqlite import writing

# "lease" in ASCII: one worker picks at a time, so that none sees half of what another picks.
_LEASE_LOCK_KEY = 0x6C65617365
_PAGE = 1_000
_CHUNK = 1_000
_BACK_OFF_S = 2.0
_MOST_BACK_OFF_S = 300.0
_ERROR_CHARACTERS = 500
# A batch that failed whole is tried again in quarters, down to each event alone.
_NARROWING = 4
_table = inbox_events.c
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Leased:
    """One event in a worker's hands until `until`; `attempt` counts from 1."""

    id: int
    system: str
    event_id: str
    topic: str
    subject: str
    occurred_at: datetime | None
    received_at: datetime
    accepted_at: datetime
    body: bytes
    attempt: int
    owner: str
    until: datetime
    fence: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a worker's word: events it still held, and those it had lost meanwhile."""

    settled: tuple[Leased, ...]
    lost: tuple[Leased, ...]


class Leases:
    """Leasing and settling over one store.

    Args:
        engine: from `database.open_engine`.
        attempts: leases of one event until it counts as poison.
        clock: says the time instead of the store's machine; for tests.
    """

    def __init__(self, engine: sa.Engine, attempts: int, clock: Clock | None = None) -> None:
        self._engine = engine
        self._attempts = attempts
        self._clock = clock

    def lease(
        self, owner: str, limit: int, seconds: float, systems: Sequence[str] | None = None
    ) -> list[Leased]:
        """Take up to `limit` events in order of acceptance, each with all before it of its subject.

        Of these systems alone, where some are named.

        Not taken: a subject of which another lease holds an event, or whose first event waits for
        its next attempt. An event that was tried before comes in a smaller batch, on its last
        attempt alone, so that one that kills its worker takes no other with it.
        """
        with writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LEASE_LOCK_KEY)))
            now = self.now(connection)
            self._isolate(connection, now)
            picked = _locked(connection, self._pick(connection, now, limit, systems))
            if not picked:
                return []
            until = now + timedelta(seconds=seconds)
            taken: list[Leased] = []
            for start in range(0, len(picked), _CHUNK):
                statement = (
                    sa.update(inbox_events)
                    .where(_table.id.in_(picked[start : start + _CHUNK]))
                    .values(
                        status="leased",
                        owner=owner,
                        lease_until=until,
                        fence=_table.fence + 1,
                        attempts=_table.attempts + 1,
                    )
                    .returning(*inbox_events.c)
                )
                taken += [_leased(row) for row in connection.execute(statement)]
        return sorted(taken, key=lambda one: one.id)

    def done(self, leased: Sequence[Leased]) -> Settled:
        """Mark as done what is still held."""
        with writing(self._engine) as connection:
            now = self.now(connection)
            return _settle(connection, leased, now, {"status": "done", "done_at": now})

    def failed(self, leased: Sequence[Leased], error: BaseException) -> Settled:
        """Put back what is still held, to be tried again after a pause, or as poison.

        Later events of the same subject that the worker holds go back too, uncounted: they must not
        be done before the one that failed.
        """
        reason = {"error_class": type(error).__name__, "error_text": safe_text(error)}
        kept: list[Leased] = []
        lost: list[Leased] = []
        with writing(self._engine) as connection:
            now = self.now(connection)
            for attempt in sorted({one.attempt for one in leased}):
                if attempt >= self._attempts:
                    change: dict[str, Any] = {"status": "poison"}
                else:
                    pause = min(_BACK_OFF_S * 2 ** (attempt - 1), _MOST_BACK_OFF_S)
                    change = {"status": "waiting", "not_before": now + timedelta(seconds=pause)}
                group = [one for one in leased if one.attempt == attempt]
                result = _settle(connection, group, now, change | reason)
                kept += result.settled
                lost += result.lost
            self._give_followers_back(connection, kept)
        return Settled(tuple(kept), tuple(lost))

    def give_back(self, leased: Sequence[Leased]) -> Settled:
        """Let go of events that were not worked on; the attempt does not count."""
        with writing(self._engine) as connection:
            change = {"status": "waiting", "attempts": _table.attempts - 1}
            return _settle(connection, leased, self.now(connection), change)

    def now(self, connection: sa.Connection) -> datetime:
        """The one clock that all workers go by: on PostgreSQL the server's."""
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name == "postgresql":
            return connection.execute(sa.text("select clock_timestamp()")).scalar_one()
        return datetime.now(UTC)

    def _isolate(self, connection: sa.Connection, now: datetime) -> None:
        """Make poison of what was leased for the last time by a worker that never came back."""
        connection.execute(
            sa.update(inbox_events)
            .where(IS_LEASED, _table.lease_until <= now, _table.attempts >= self._attempts)
            .values(
                status="poison",
                owner=None,
                lease_until=None,
                fence=_table.fence + 1,
                error_class="LeaseExpired",
                error_text="The worker did not come back from this event.",
            )
        )

    def _pick(
        self,
        connection: sa.Connection,
        now: datetime,
        limit: int,
        systems: Sequence[str] | None,
    ) -> list[Any]:
        held = sa.select(_table.system, _table.subject).where(IS_LEASED, _table.lease_until > now)
        blocked = {(row.system, row.subject) for row in connection.execute(held)}
        picked: list[Any] = []
        room = limit
        for row in _open_events(connection, systems):
            subject = (row.system, row.subject)
            if subject in blocked:
                continue
            narrow = self._room(row.attempts, limit)
            if (row.not_before is not None and row.not_before > now) or len(picked) >= narrow:
                blocked.add(subject)
                continue
            room = min(room, narrow)
            picked.append(row)
            if len(picked) >= room:
                break
        return picked

    def _room(self, attempts: int, limit: int) -> int:
        """How many events a batch may hold that has one that was tried so often."""
        if attempts == 0:
            return limit
        return 1 if attempts >= self._attempts - 1 else max(1, limit // _NARROWING**attempts)

    def _give_followers_back(self, connection: sa.Connection, failed: Sequence[Leased]) -> None:
        for one in failed:
            connection.execute(
                sa.update(inbox_events)
                .where(
                    IS_LEASED,
                    _table.owner == one.owner,
                    _table.system == one.system,
                    _table.subject == one.subject,
                    _table.id > one.id,
                )
                .values(
                    status="waiting",
                    owner=None,
                    lease_until=None,
                    fence=_table.fence + 1,
                    attempts=_table.attempts - 1,
                )
            )


def safe_text(error: BaseException) -> str:
    """What an error says, where that is known to hold no personal data and no secret."""
    if isinstance(error, AccordError):
        return clean_text(error.message)[:_ERROR_CHARACTERS]
    return "See the worker's log."


def _open_events(connection: sa.Connection, systems: Sequence[str] | None) -> Iterator[Any]:
    of_systems = sa.true() if systems is None else _table.system.in_(systems)
    columns = (_table.id, _table.system, _table.subject, _table.attempts, _table.not_before)
    after = 0
    while True:
        page = sa.select(*columns).where(IS_OPEN, of_systems, _table.id > after)
        rows = connection.execute(page.order_by(_table.id).limit(_PAGE)).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def _locked(connection: sa.Connection, picked: Sequence[Any]) -> list[int]:
    """Ids that nobody else is changing; with one of a subject its later ones are left out."""
    ids = [row.id for row in picked]
    if connection.dialect.name != "postgresql" or not ids:
        return ids
    statement = sa.select(_table.id).where(_table.id.in_(ids), IS_OPEN)
    free = set(connection.execute(statement.with_for_update(skip_locked=True)).scalars())
    blocked: set[tuple[str, str]] = set()
    kept: list[int] = []
    for row in picked:
        if row.id in free and (row.system, row.subject) not in blocked:
            kept.append(row.id)
        else:
            blocked.add((row.system, row.subject))
    return kept


def _settle(
    connection: sa.Connection, leased: Sequence[Leased], now: datetime, change: dict[str, Any]
) -> Settled:
    """Change the rows whose fence is still the worker's and whose lease has not run out."""
    changed: set[int] = set()
    values = {"owner": None, "lease_until": None, **change}
    for start in range(0, len(leased), _CHUNK):
        keys = [(one.id, one.fence) for one in leased[start : start + _CHUNK]]
        statement = (
            sa.update(inbox_events)
            .where(
                IS_LEASED,
                sa.tuple_(_table.id, _table.fence).in_(keys),
                _table.lease_until > now,
            )
            .values(**values)
            .returning(_table.id)
        )
        changed.update(connection.execute(statement).scalars())
    return Settled(
        tuple(one for one in leased if one.id in changed),
        tuple(one for one in leased if one.id not in changed),
    )


def _leased(row: Any) -> Leased:
    return Leased(
        id=row.id,
        system=row.system,
        event_id=row.event_id,
        topic=row.topic,
        subject=row.subject,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        accepted_at=row.accepted_at,
        body=bytes(row.body or b""),
        attempt=row.attempts,
        owner=row.owner,
        until=row.lease_until,
        fence=row.fence,
    )
