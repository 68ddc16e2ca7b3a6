"""The vendor's fixed windows: a burst a second, a steady rate a minute, for some a daily one."""

import time

from sandbox.klaviyo.rules import Rule


class FixedWindows:
    """Counts the calls of each endpoint.

    Args:
        factor: factor on all limits (the tier).
    """

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}

    def take(self, rule: Rule) -> tuple[int, dict[str, str]]:
        """Count one call.

        Returns:
            Seconds to wait (0 when the call may go on) and the `RateLimit-*` headers.
        """
        now = time.time()
        limits = [(max(1, int(calls * self.factor)), window) for calls, window in rule.limits]
        counts = []
        for limit, window in limits:
            slot, used = self._counts.get((rule.endpoint, window), (0, 0))
            used = used if slot == int(now // window) else 0
            if used >= limit:
                return max(1, int(window - now % window) + 1), {}
            counts.append(used + 1)
        for (_limit, window), used in zip(limits, counts, strict=True):
            self._counts[rule.endpoint, window] = (int(now // window), used)
        steady, window = limits[min(1, len(limits) - 1)]
        policy = ", ".join(f"{limit};w={window}" for limit, window in limits)
        return 0, {
            "RateLimit-Limit": f"{limits[0][0]}, {policy}",
            "RateLimit-Remaining": str(steady - counts[min(1, len(counts) - 1)]),
            "RateLimit-Reset": str(int(window - now % window) + 1),
        }
