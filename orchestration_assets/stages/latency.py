"""How long events take until they bring something about, held against what was promised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestration_assets.activation.journeys import Journey, Objective
from orchestration_assets.alerting.incidents import WARNING, Incident, clear, report
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.activate import all_journeys
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.state.event_times import PERCENTILES, percentile, seconds_to_request

# Of a handful of events one that is slow says nothing.
FEWEST_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """How an objective was kept.

    Attributes:
        objective: what was promised.
        events: how many events were looked at.
        slower: how many took longer.
    """

    objective: Objective
    events: int
    slower: int

    @property
    def budget(self) -> float:
        """How many events may be slower before the promise is broken."""
        return self.events * (1 - self.objective.share)

    @property
    def is_broken(self) -> bool:
        """Whether more events were slower than may be."""
        return self.events >= FEWEST_EVENTS and self.slower > self.budget

    @property
    def in_words(self) -> str:
        """One line for people."""
        promised = f"{self.objective.share:.1%} within {self.objective.seconds:g} s"
        return (
            f"promised: {promised} over {self.objective.days:g} days; slower were {self.slower} of"
            f" {self.events}, {self.budget:.1f} may be"
        )


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from an event's arrival to the request that it led to.

    Attributes:
        seconds: by percentile.
        objective: how the journey's objective was kept; None where it has none.
    """

    journey: str
    destination: str
    events: int
    seconds: Mapping[int, float]
    objective: Kept | None


def latencies_since(deployment: Deployment, age: timedelta) -> list[Latency]:
    """Latency of each journey and destination, over events received within an age."""
    found = seconds_to_request(deployment.state, datetime.now(UTC) - age)
    journeys = all_journeys()
    return [
        Latency(
            journey=name,
            destination=destination,
            events=len(seconds),
            seconds={percent: percentile(seconds, percent) for percent in PERCENTILES},
            objective=_kept(journeys.get(name), seconds),
        )
        for (name, destination), seconds in found.items()
    ]


def percentiles(deployment: Deployment, age: timedelta) -> list[tuple[str, str, int, float]]:
    """Journey, destination, percentile and seconds, over events received within an age."""
    found = seconds_to_request(deployment.state, datetime.now(UTC) - age)
    return [
        (*place, percent, percentile(seconds, percent))
        for place, seconds in found.items()
        for percent in PERCENTILES
    ]


def watch_objectives(deployment: Deployment) -> list[str]:
    """Open an incident for each journey whose objective is broken; resolve those that are kept.

    Returns:
        Names of the journeys whose objective is broken.
    """
    broken = []
    for name, journey in all_journeys().items():
        if journey.objective is None:
            continue
        age = timedelta(days=journey.objective.days)
        seconds = [
            one
            for (of, _), spent in seconds_to_request(
                deployment.state, datetime.now(UTC) - age
            ).items()
            if of == name
            for one in spent
        ]
        kept = _kept(journey, seconds)
        key = f"latency/{name}"
        if kept is None or not kept.is_broken:
            clear(deployment.state, key)
            continue
        broken.append(name)
        report(deployment.state, _incident(deployment, key, journey, kept))
    return broken


def _kept(journey: Journey | None, seconds: list[float]) -> Kept | None:
    if journey is None or journey.objective is None:
        return None
    slower = sum(one > journey.objective.seconds for one in seconds)
    return Kept(journey.objective, len(seconds), slower)


def _incident(deployment: Deployment, key: str, journey: Journey, kept: Kept) -> Incident:
    return Incident(
        key=key,
        title=f"{journey.name} is slower than promised",
        what=f"Events take longer to reach {journey.destination}: {kept.in_words}.",
        next_step="see which step takes the time (accord inbox latency, the asset"
        " events/live_batches), and that accord live runs.",
        owner=raci_of(deployment.settings).accountable("journeys", journey.name),
        severity=WARNING,
    )
