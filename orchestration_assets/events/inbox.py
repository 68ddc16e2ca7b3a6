"""The inbox: every event that was acknowledged, until it is worked off, and its key for ever.

What it promises: an event is on disk before `accept` returns; one system's event id is taken once,
also years later; events of one subject are handed out in order and to one worker at a time; what a
worker says after its lease ran out changes nothing.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import sqlalchemy as sa

from orchestration_assets.events import upkeep
from orchestration_assets.events.database import open_engine
from orchestration_assets.events.group_commit import GroupWriter
from orchestration_assets.events.insertion import Accepted, NewEvent
from orchestration_assets.events.leases import Clock, Leased, Leases, Settled
from orchestration_assets.events.tables import inbox_events
from orchestration_assets.events.upkeep import Retention, Waiting
from orchestration_assets.state.sqlite import writing

ATTEMPTS = 5
CAPACITY = 10_000


class Inbox:
    """The events of one store.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`.
        attempts: leases of one event until it counts as poison.
        capacity: events that may wait for a commit; more are refused.
        clock: says the time instead of the store's machine; for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        attempts: int = ATTEMPTS,
        capacity: int = CAPACITY,
        clock: Clock | None = None,
    ) -> None:
        self.engine = open_engine(url)
        self._writer = GroupWriter(self.engine, capacity)
        self._leases = Leases(self.engine, attempts, clock)

    def accept(self, events: Sequence[NewEvent]) -> list[Accepted]:
        """Put events on disk; return for each, in order, whether it was there before.

        Raises:
            RetriableError: the store cannot be written, or too many events wait for it.
            FatalError: the store will never take one of them.
        """
        return self.submit(events).result()

    def submit(self, events: Sequence[NewEvent]) -> "Future[list[Accepted]]":
        """As `accept`, with a future that is settled after the commit.

        Raises:
            RetriableError: too many events wait for the store.
        """
        return self._writer.submit(events)

    def submit_in_loop(self, events: Sequence[NewEvent]) -> "asyncio.Future[list[Accepted]]":
        """As `submit`, for a caller in a running event loop.

        Raises:
            RetriableError: too many events wait for the store.
        """
        return self._writer.submit_in_loop(events)

    @property
    def queued(self) -> int:
        """Events that wait for a commit."""
        return self._writer.queued

    def lease(
        self, owner: str, limit: int, seconds: float, systems: Sequence[str] | None = None
    ) -> "list[Leased]":
        """Take up to `limit` events in order of acceptance; see `Leases.lease`."""
        return self._leases.lease(owner, limit, seconds, systems)

    def done(self, leased: Sequence[Leased]) -> Settled:
        """Mark as done what the worker still holds; `lost` names what it no longer does."""
        return self._leases.done(leased)

    def failed(self, leased: Sequence[Leased], error: BaseException) -> Settled:
        """Put back what the worker still holds, after a pause or as poison."""
        return self._leases.failed(leased, error)

    def give_back(self, leased: Sequence[Leased]) -> Settled:
        """Let go of events that were not worked on; the attempt does not count."""
        return self._leases.give_back(leased)

    def waiting(self, systems: Sequence[str] | None = None) -> Waiting:
        """Count what waits, of these systems alone where some are named."""
        with self.engine.connect() as connection:
            now = self._leases.now(connection)
        return upkeep.waiting(self.engine, now, systems)

    def list(
        self,
        statuses: Sequence[str] = ("waiting", "leased", "poison"),
        system: str | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Events in order of acceptance, without their bodies."""
        return upkeep.listed(self.engine, statuses, system, limit)

    def show(self, event: int, *, with_body: bool = False) -> dict[str, Any]:
        """All that is known of one event.

        Raises:
            FatalError: there is no such event.
        """
        return upkeep.shown(self.engine, event, with_body=with_body)

    def replay(self, events: Sequence[int], *, by: str) -> "list[int]":
        """Let settled events be worked on once more; return which ones are."""
        with self.engine.connect() as connection:
            now = self._leases.now(connection)
        return upkeep.replay(self.engine, events, by=by, now=now)

    def discard(self, events: Sequence[int], *, by: str, because: str) -> "list[int]":
        """Give events up; return which ones are."""
        with self.engine.connect() as connection:
            now = self._leases.now(connection)
        return upkeep.discard(self.engine, events, by=by, because=because, now=now)

    def expire(self, policy: Retention) -> int:
        """Remove the bodies that the policy does not keep; return of how many events."""
        with self.engine.connect() as connection:
            now = self._leases.now(connection)
        return upkeep.expire(self.engine, policy, now)

    def check_writable(self) -> None:
        """Write and take back.

        Raises:
            Exception: whatever the store says when it cannot be written.
        """
        with writing(self.engine) as connection:
            # Changes no row, and yet needs all that an insert needs but the disk's last blocks.
            nobody = inbox_events.c.id == 0
            connection.execute(sa.update(inbox_events).where(nobody).values(attempts=0))

    def close(self) -> None:
        """Write what is queued, then close the connections."""
        self._writer.close()
        self.engine.dispose()
