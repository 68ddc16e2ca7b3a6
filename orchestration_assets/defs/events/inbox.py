"""When to work off accepted events: when nobody does, whatever the reason.

The warm worker takes an event within a moment. What waits longer is left behind by one that was
killed, or there is none: a run works it off, by the same function.
"""

import dagster as dg

from orchestration_assets.conditions import active_run, attempt_or_wait
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.events import SYSTEMS_WITH_EVENTS, open_inbox, waiting_events

INBOX_INTERVAL_S = 5
# A warm worker that lives has long taken what waits for as long as this.
LEFT_BEHIND_AFTER_S = 4.0


@dg.op(description="Works off what waits in the inbox: lands, releases, decides and delivers.")
def work_off_events(context: dg.OpExecutionContext, accord: AccordResource) -> None:
    """Work until nothing is ready any more."""
    # heavy: takes seconds to import
    from orchestration_assets.events.worker import Worker
    from orchestration_assets.stages.work_events import EventWork

    deployment = accord.open()
    inbox = open_inbox(deployment)
    try:
        owner = f"run {context.run_id}"
        worker = Worker(inbox, EventWork(deployment), owner, SYSTEMS_WITH_EVENTS)
        context.log.info("%d events worked off", worker.drain())
    finally:
        inbox.close()
        deployment.close()


@dg.job(
    description="Works off accepted events that no live worker took. Safe to launch at any time.",
    tags={"dagster/max_runtime": "3600"},
)
def work_off_inbox() -> None:
    """Work off the inbox."""
    work_off_events()


# Named: a job of ops that is handed in is bound to its resources in a copy of the sensor, which
# Dagster makes with a parameter that is still in beta.
@dg.sensor(
    job_name=work_off_inbox.name,
    minimum_interval_seconds=INBOX_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks in the inbox for events that nobody has taken, and has one run work off all"
    " of them. It looks at the inbox itself, so that a crash, a lost tick or a day without a daemon"
    " loses nothing.",
)
def inbox_sensor(
    context: dg.SensorEvaluationContext, accord: AccordResource
) -> dg.SensorResult | dg.SkipReason:
    """Request one run for all events that were left behind."""
    if active_run(context.instance, work_off_inbox.name):
        return dg.SkipReason("a run that works off the inbox is already waiting or running")
    try:
        with accord.glance() as deployment:
            waiting = waiting_events(deployment, older_than_s=LEFT_BEHIND_AFTER_S)
    except AccordError as error:
        return dg.SkipReason(str(error))
    if waiting is None:
        return dg.SkipReason("no event was left behind")
    # Attempts are part of the name: what failed once is other work than what is new.
    tried = ",".join(f"{number}x{events}" for number, events in waiting.attempts.items())
    work = f"work_off_inbox:{waiting.newest_id}:{tried}"
    return attempt_or_wait(context.instance, work, f"{waiting.ready} events wait")
