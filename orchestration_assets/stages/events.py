"""Events on their way in: the deployment's inbox, and what retention removes from it."""

from datetime import timedelta

from orchestration_assets.deployment import Deployment
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.upkeep import Retention


def open_inbox(deployment: Deployment) -> Inbox:
    """Open the deployment's inbox; close it after use."""
    settings = deployment.settings
    return Inbox(
        settings.resolved_inbox_url,
        attempts=settings.inbox_attempts,
        capacity=settings.inbox_queue,
    )


def expire_bodies(deployment: Deployment, inbox: Inbox) -> int:
    """Remove what the settings do not keep of settled events; return of how many."""
    settings = deployment.settings
    return inbox.expire(
        Retention(
            done=timedelta(days=settings.inbox_keep_done_days),
            discarded=timedelta(days=settings.inbox_keep_discarded_days),
        )
    )
