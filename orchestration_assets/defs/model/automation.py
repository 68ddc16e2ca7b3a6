"""When to refresh the model: as soon as loads have landed that no release has taken in."""

import hashlib
import math

import dagster as dg

from orchestration_assets.conditions import active_run, next_attempt, seconds_until_retry
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.stages.model import waiting_loads

REFRESH_INTERVAL_S = 15
REFRESH_GROUPS = (
    "scope",
    "staging_scope",
    "staging_identity",
    "staging_hubspot",
    "staging_shopify",
    "staging_klaviyo",
    "intermediate",
    "identity",
    "core",
    "released",
    "audiences",
    "journeys",
)

refresh_model = dg.define_asset_job(
    "refresh_model",
    selection=dg.AssetSelection.groups(*REFRESH_GROUPS),
    description="Scope, staging, identity, core, gates, release, audiences and journeys, from what"
    " has landed. Safe to launch at any time; with nothing new it changes nothing.",
    tags={"dagster/max_runtime": "3600"},
)


@dg.sensor(
    job=refresh_model,
    minimum_interval_seconds=REFRESH_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Refreshes the model while there are landed loads that no release has taken in. It"
    " looks at the warehouse, not at a cursor, so a lost tick or a crash loses nothing.",
)
def model_refresh_sensor(
    context: dg.SensorEvaluationContext, accord: AccordResource
) -> dg.SensorResult | dg.SkipReason:
    """Request one refresh for all waiting loads; loads that a gate holds are tried again later."""
    if active_run(context.instance, refresh_model.name):
        return dg.SkipReason("a refresh is already waiting or running")
    loads = waiting_loads(accord.open())
    if not loads:
        return dg.SkipReason("every landed load is in a release")
    work = "refresh_model:" + hashlib.sha256("|".join(loads).encode()).hexdigest()[:16]
    wait = seconds_until_retry(context.instance, work)
    if wait:
        when = "no further attempt before new rows land" if wait == math.inf else f"in {wait:.0f} s"
        return dg.SkipReason(f"the last refresh did not release these {len(loads)} loads; {when}")
    return dg.SensorResult(run_requests=[next_attempt(context.instance, work)])
