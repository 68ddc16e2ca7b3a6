"""When to refresh the model: as soon as loads have landed that no release has taken in."""

import hashlib
import time

import dagster as dg

from orchestration_assets.conditions import (
    REFRESH_TAG,
    attempt_or_wait,
    landing_is_active,
    refresh_is_active,
    seconds_since_refresh,
)
from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.model import waiting_loads

REFRESH_INTERVAL_S = 10
# What changes together lands together: without this wait the first system to land would be released
# and acted on alone, before a withdrawal of consent in another is in. Bounded, so that a slow
# system holds up nobody for long.
SETTLE_S = 120.0
# A release is acted on before the next refresh rewrites what the activation reads: longer than the
# activation's interval, so that landings that never cease cannot starve it.
PAUSE_AFTER_REFRESH_S = 30.0
# Dagster takes an empty cursor for one that stays as it was.
NOT_WAITING = "0"
REFRESH_GROUPS = (
    "scope",
    "staging_scope",
    "staging_identity",
    *(f"staging_{system}" for system in SYSTEMS),
    "intermediate",
    "identity",
    "core",
    "released",
    "audiences",
    "journeys",
)

# They say what the landing gate found where the scope was opened.
ARRIVED_WHOLE = [
    dg.AssetCheckKey(dg.AssetKey(["raw", system, stream]), "arrived_whole")
    for system, entry in SYSTEMS.items()
    for stream in entry.streams
]

refresh_model = dg.define_asset_job(
    "refresh_model",
    selection=dg.AssetSelection.groups(*REFRESH_GROUPS) | dg.AssetSelection.checks(*ARRIVED_WHOLE),
    description="Scope, staging, identity, core, gates, release, audiences and journeys, from what"
    " has landed. Safe to launch at any time; with nothing new it changes nothing.",
    tags={"dagster/max_runtime": "3600", **REFRESH_TAG},
)

# Ages move without any load: who has lapsed today had not yesterday.
refresh_model_daily = dg.ScheduleDefinition(
    name="refresh_model_daily",
    job=refresh_model,
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Refreshes the model once a day even when nothing landed, because audiences depend"
    " on the time that has passed.",
)


@dg.sensor(
    job=refresh_model,
    minimum_interval_seconds=REFRESH_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Refreshes the model while there are landed loads that no release has taken in. It"
    " looks at the warehouse, so a lost tick or a crash loses nothing; the cursor only tells since"
    " when it waits for other landings to end.",
)
def model_refresh_sensor(
    context: dg.SensorEvaluationContext, accord: AccordResource
) -> dg.SensorResult | dg.SkipReason:
    """Request one refresh for all waiting loads; loads that a gate holds are tried again later."""
    if refresh_is_active(context.instance):
        return dg.SkipReason("a refresh is already waiting or running")
    if seconds_since_refresh(context.instance) < PAUSE_AFTER_REFRESH_S:
        return dg.SkipReason("the last release is being acted on first")
    try:
        with accord.glance() as deployment:
            loads = waiting_loads(deployment)
    except AccordError as error:
        return dg.SkipReason(str(error))
    if not loads:
        context.update_cursor(NOT_WAITING)
        return dg.SkipReason("every landed load is in a release")
    since = float(context.cursor or NOT_WAITING) or time.time()
    if landing_is_active(context.instance) and time.time() < since + SETTLE_S:
        context.update_cursor(str(since))
        return dg.SkipReason(f"{len(loads)} loads wait for other landings to end")
    work = "refresh_model:" + hashlib.sha256("|".join(loads).encode()).hexdigest()[:16]
    waiting = f"the last refresh did not release these {len(loads)} loads"
    return attempt_or_wait(context.instance, work, waiting, cursor=NOT_WAITING)
