"""Pacing of calls."""

import time

from orchestration_assets.connectors.kit.limits import CallLimiter, CostBucket, shared_limiter


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_calls_beyond_the_rate_wait() -> None:
    limiter = CallLimiter([(5, 0.4)])
    started = time.monotonic()
    assert all(limiter.acquire() for _ in range(6))
    assert time.monotonic() - started >= 0.35


def test_all_rates_hold_together() -> None:
    limiter = CallLimiter([(100, 10.0), (2, 0.3)])
    started = time.monotonic()
    assert all(limiter.acquire() for _ in range(3))
    assert time.monotonic() - started >= 0.25


def test_a_wait_longer_than_its_bound_is_refused() -> None:
    limiter = CallLimiter([(1, 30.0)])
    assert limiter.acquire()
    assert not limiter.acquire(timeout=0.05)


def test_a_cost_bucket_waits_for_the_points_it_lacks() -> None:
    clock = Clock()
    bucket = CostBucket(100, 10, clock=clock, sleep=clock.sleep)
    assert bucket.acquire(100)
    assert bucket.acquire(50)
    assert clock.now == 5.0


def test_a_cost_bucket_follows_the_vendors_count() -> None:
    clock = Clock()
    bucket = CostBucket(100, 10, clock=clock, sleep=clock.sleep)
    bucket.update(0, maximum=1000, restore_rate=100)
    assert bucket.acquire(200)
    assert clock.now == 2.0


def test_a_call_dearer_than_the_bucket_takes_the_whole_bucket() -> None:
    clock = Clock()
    bucket = CostBucket(100, 10, clock=clock, sleep=clock.sleep)
    assert bucket.acquire(5000)
    assert not bucket.acquire(10, timeout=0.5)


def test_one_account_has_one_limiter_in_a_process() -> None:
    key = ("vendor", "http://one.example", "5")
    first = shared_limiter(key, lambda: CallLimiter([(5, 1.0)]))
    assert shared_limiter(key, lambda: CallLimiter([(5, 1.0)])) is first
    other = shared_limiter(("vendor", "http://two.example"), lambda: CallLimiter([(5, 1.0)]))
    assert other is not first
