"""Whether events are as fast as was promised."""

from datetime import timedelta

import dagster as dg

from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.latency import latencies_since, watch_objectives

LATENCY_INTERVAL_S = 60


@dg.sensor(
    minimum_interval_seconds=LATENCY_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Holds the time from each event's arrival to the request that it led to against the"
    " objective of its journey; opens an incident when the budget of slow events is spent.",
)
def latency_sensor(context: dg.SensorEvaluationContext, accord: AccordResource) -> dg.SkipReason:
    """Look at the events of the last hour, and at the objectives; requests nothing."""
    try:
        with accord.glance() as deployment:
            broken = watch_objectives(deployment)
            found = latencies_since(deployment, timedelta(hours=1))
    except AccordError as error:
        return dg.SkipReason(str(error))
    for name in broken:
        context.log.warning("%s is slower than promised", name)
    told = [
        f"{one.journey} to {one.destination}: "
        + ", ".join(f"p{percent} {seconds:.2f} s" for percent, seconds in one.seconds.items())
        + f" over {one.events} events"
        for one in found
    ]
    return dg.SkipReason("; ".join(told) or "no event led to a request within the last hour")
