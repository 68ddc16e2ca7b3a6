"""Rate limits of the vendors by tier, and the rolling window that HubSpot counts with."""

import time
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tier:
    """How much the vendors let through; the numbers are the vendors' published tiers.

    Args:
        name: name on the command line.
        hubspot_per_10s: HubSpot calls in any ten seconds.
        shopify_points_per_s: restore rate of Shopify's query cost bucket.
        shopify_bucket: size of that bucket.
        klaviyo_factor: factor on the burst and steady limits in Klaviyo's own file.
    """

    name: str
    hubspot_per_10s: int
    shopify_points_per_s: float
    shopify_bucket: float
    klaviyo_factor: float = 1.0


TIERS = {
    tier.name: tier
    for tier in (
        Tier("tight", 20, 50, 1_000, 0.1),
        Tier("standard", 190, 100, 2_000),
        Tier("enterprise", 190, 2_000, 40_000),
        Tier("unlimited", 10**9, 10**9, 10**9, 10**6),
    )
}


class RollingWindow:
    """At most `limit` calls in any `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self._calls: deque[float] = deque()

    def take(self) -> float:
        """Count one call. Returns 0.0 when it may go on, else the seconds until one may."""
        moment = time.monotonic()
        while self._calls and self._calls[0] <= moment - self.seconds:
            self._calls.popleft()
        if len(self._calls) >= self.limit:
            return self._calls[0] + self.seconds - moment
        self._calls.append(moment)
        return 0.0

    @property
    def remaining(self) -> int:
        """Calls left in the window as of the last call."""
        return max(0, self.limit - len(self._calls))
