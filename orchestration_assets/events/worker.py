"""A worker on the inbox: leases what waits, hands it to a function that works it off, settles it.

It knows nothing of what is done with the events, so that the sensor's run and the warm process are
the same worker at two speeds.
"""

import threading
from collections.abc import Callable, Sequence

import structlog

from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.leases import Leased

Failures = Sequence[tuple[Leased, Exception]]
Work = Callable[[Sequence[Leased]], Failures]
"""Works off a batch; returns the events that could not be, each with the reason."""

# Longer than any batch may take: past it another worker takes the events.
LEASE_S = 120.0
# How long an event may wait for a worker that has nothing to do.
POLL_S = 0.03


class Worker:
    """Works off the events of some systems until it is told to stop.

    Args:
        inbox: where they wait.
        work: works off a batch.
        owner: names this worker among others.
        systems: whose events it takes.
        limit: most events of one batch.
        lease_s: seconds after which another worker may take them.
    """

    def __init__(
        self,
        inbox: Inbox,
        work: Work,
        owner: str,
        systems: Sequence[str],
        *,
        limit: int = 100,
        lease_s: float = LEASE_S,
    ) -> None:
        self._inbox = inbox
        self._work = work
        self._owner = owner
        self._systems = systems
        self._limit = limit
        self._lease_s = lease_s

    def turn(self) -> int:
        """Work off one batch; return how many events it had, 0 when none was ready."""
        if not self._inbox.waiting(self._systems).ready:
            return 0
        leased = self._inbox.lease(self._owner, self._limit, self._lease_s, self._systems)
        if not leased:
            return 0
        try:
            failures = list(self._work(leased))
        except Exception as error:
            structlog.get_logger(__name__).exception("events_failed", events=len(leased))
            self._inbox.failed(leased, error)
            return len(leased)
        except BaseException:
            self._inbox.give_back(leased)
            raise
        self._settle(leased, failures)
        return len(leased)

    def _settle(self, leased: Sequence[Leased], failures: Failures) -> None:
        for event, error in failures:
            self._inbox.failed([event], error)
        failed = {event.id for event, _ in failures}
        # One that comes after a failed one of its subject went back with it.
        done = self._inbox.done([event for event in leased if event.id not in failed])
        structlog.get_logger(__name__).info(
            "events_worked_off", done=len(done.settled), failed=len(failed), lost=len(done.lost)
        )

    def drain(self) -> int:
        """Work until nothing is ready any more; return the number of events."""
        total = 0
        while count := self.turn():
            total += count
        return total

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; a batch under way is ended first."""
        while not stop.is_set():
            if not self.turn():
                stop.wait(POLL_S)
