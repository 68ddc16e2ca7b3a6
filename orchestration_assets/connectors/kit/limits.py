"""How fast a system may be called: one limiter a system and account, shared by a process."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol


class RateLimiter(Protocol):
    """What `ApiClient` asks before each attempt."""

    def acquire(self, cost: float = 1.0, *, timeout: float = 60.0) -> bool:
        """Wait for room for a call of this cost; False where `timeout` seconds did not give it."""
        ...


class CallLimiter:
    """So many calls in so many seconds, all rates holding together.

    Args:
        rates: pairs of calls and seconds, for instance `[(190, 10.0)]`.
    """

    def __init__(self, rates: Sequence[tuple[int, float]]) -> None:
        from pyrate_limiter import InMemoryBucket, Limiter, Rate

        bucket = InMemoryBucket(
            [Rate(calls, round(seconds * 1000)) for calls, seconds in _binding(rates)]
        )
        self._limiter: Any = Limiter(bucket)

    def acquire(self, cost: float = 1.0, *, timeout: float = 60.0) -> bool:
        """Wait for room for `cost` calls (rounded up to at least one)."""
        return bool(self._limiter.try_acquire("call", weight=max(1, round(cost)), timeout=timeout))


def _binding(rates: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The rates that can bind, shortest window first; the library refuses the implied ones."""
    kept: list[tuple[int, float]] = []
    for calls, seconds in sorted(rates, key=lambda rate: (rate[1], rate[0])):
        if kept and calls / seconds > kept[-1][0] / kept[-1][1]:
            continue
        while kept and (kept[-1][0] >= calls or kept[-1][1] == seconds):
            kept.pop()
        kept.append((calls, seconds))
    return kept


class CostBucket:
    """A leaky bucket of points, as query-cost limits work.

    It begins with the values given and follows what the vendor says (`update`).

    Args:
        maximum: points that the full bucket holds.
        restore_rate: points that come back each second.
    """

    def __init__(
        self,
        maximum: float,
        restore_rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._maximum = maximum
        self._restore_rate = restore_rate
        self._available = maximum
        self._clock = clock
        self._sleep = sleep
        self._at = clock()
        self._lock = threading.Lock()

    def acquire(self, cost: float = 1.0, *, timeout: float = 60.0) -> bool:
        """Take `cost` points (at most the whole bucket), waiting until they are back."""
        deadline = self._clock() + timeout
        while True:
            with self._lock:
                self._restore()
                wanted = min(cost, self._maximum)
                if self._available >= wanted:
                    self._available -= wanted
                    return True
                wait = max((wanted - self._available) / self._restore_rate, 0.001)
            if self._clock() + wait > deadline:
                return False
            self._sleep(wait)

    def update(
        self, available: float, maximum: float | None = None, restore_rate: float | None = None
    ) -> None:
        """Take over the vendor's own count after a call, and its limits where it tells them."""
        with self._lock:
            self._at = self._clock()
            self._maximum = maximum or self._maximum
            self._restore_rate = restore_rate or self._restore_rate
            self._available = min(available, self._maximum)

    def _restore(self) -> None:
        now = self._clock()
        gained = (now - self._at) * self._restore_rate
        self._available = min(self._maximum, self._available + gained)
        self._at = now


_shared: dict[tuple[str, ...], Any] = {}
_shared_lock = threading.Lock()


def shared_limiter(key: tuple[str, ...], make: Callable[[], Any]) -> Any:
    """The one limiter of this process for `key` (system, address, rate), made at first use.

    Two sources of one account would otherwise each spend the whole allowance.
    """
    with _shared_lock:
        if key not in _shared:
            _shared[key] = make()
        return _shared[key]
