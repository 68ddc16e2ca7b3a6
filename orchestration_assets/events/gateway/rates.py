"""How many events a key may send: a bucket each, filled at a steady rate."""

import time
from collections.abc import Callable

from orchestration_assets.events.gateway.refusals import RefusalError

_BURST_S = 2.0


class Rates:
    """Buckets by key, asked after a sender has proven who it is: none can empty another's.

    Args:
        per_s: events a second; what was not used is kept for two seconds.
        clock: seconds that only grow.
    """

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._most = per_s * _BURST_S
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str, events: int) -> None:
        """Count events of a key.

        A batch larger than the whole bucket goes through once the bucket is full.

        Raises:
            RefusalError: 429, with the time after which they fit.
        """
        now = self._clock()
        level, at = self._buckets.get(key, (self._most, now))
        level = min(self._most, level + (now - at) * self._per_s)
        needed = min(float(events), self._most)
        if level < needed:
            self._buckets[key] = (level, now)
            raise RefusalError(
                429,
                "too_many_events",
                f"This key may send {self._per_s:g} events a second: wait, then send again.",
                retry_after=(needed - level) / self._per_s,
            )
        self._buckets[key] = (level - events, now)
