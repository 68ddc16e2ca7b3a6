"""What of the events that are settled is kept: their bodies for as long as the settings say."""

import dagster as dg

from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.stages.events import expire_bodies, open_inbox


@dg.op(description="Removes the bodies of settled events that are old enough; keeps their keys.")
def remove_old_bodies(context: dg.OpExecutionContext, accord: AccordResource) -> None:
    """Remove them."""
    deployment = accord.open()
    inbox = open_inbox(deployment)
    try:
        context.log.info("%d events emptied", expire_bodies(deployment, inbox))
    finally:
        inbox.close()


@dg.job(description="What was accepted and worked off is not kept longer than it has to be.")
def inbox_retention() -> None:
    """Go by the retention of the settings."""
    remove_old_bodies()


inbox_retention_daily = dg.ScheduleDefinition(
    name="inbox_retention_daily",
    job=inbox_retention,
    cron_schedule="45 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes the bodies of events that were done or discarded long enough ago.",
)
