"""What the gateway counts, for Prometheus; labels hold names of systems and reasons alone."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


Latencies = Callable[[], Iterable[tuple[str, str, int, float]]]
"""Says journey, destination, percentile and seconds from an event's arrival to its request."""


class Metrics:
    """The figures of one gateway.

    Args:
        queued: says how many events wait for a commit.
        latencies: how long events took to reach what they led to; asked for with every page.
    """

    def __init__(self, queued: Callable[[], int], latencies: Latencies = tuple) -> None:
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "accord_gateway_accepted_events", "Events put on disk.", ["source"],
            registry=self._registry,
        )  # fmt: skip
        self._duplicate = Counter(
            "accord_gateway_duplicate_events", "Events that were there already.", ["source"],
            registry=self._registry,
        )  # fmt: skip
        self._refused = Counter(
            "accord_gateway_refused", "Requests and events that were refused.",
            ["source", "reason"], registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "accord_gateway_request_seconds", "From a request's headers to its reply.", ["source"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        depth = Gauge(
            "accord_inbox_queue_events", "Events that wait for a commit.", registry=self._registry
        )
        depth.set_function(queued)
        self._registry.register(_Latency(latencies))

    def accepted(self, source: str, fresh: int, duplicates: int) -> None:
        """Count what was acknowledged."""
        if fresh:
            self._accepted.labels(source).inc(fresh)
        if duplicates:
            self._duplicate.labels(source).inc(duplicates)

    def refused(self, source: str, reason: str, count: int = 1) -> None:
        """Count what was not accepted."""
        self._refused.labels(source, reason).inc(count)

    def answered(self, source: str, seconds: float) -> None:
        """Count one reply."""
        self._seconds.labels(source).observe(seconds)

    def page(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _Latency(Collector):
    """Percentiles that the store is asked for when somebody looks."""

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is asked for at the start."""
        yield self._family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The percentiles as they are now."""
        family = self._family()
        for journey, destination, percent, seconds in self._latencies():
            family.add_metric([journey, destination, str(percent / 100)], seconds)
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "accord_event_to_request_seconds",
            "From an event's arrival to the request that it led to, within the last hour.",
            labels=["journey", "destination", "quantile"],
        )
