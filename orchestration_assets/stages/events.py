"""Events on their way in: the deployment's inbox and gateway, and what retention removes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration_assets.connectors.catalog import SYSTEMS, open_webhook
from orchestration_assets.connectors.kit.webhooks import Webhook
from orchestration_assets.deployment import Deployment
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.upkeep import Retention, Waiting
from orchestration_assets.stages.latency import percentiles

if TYPE_CHECKING:
    from orchestration_assets.events.gateway.application import Gateway

SYSTEMS_WITH_EVENTS = tuple(name for name, entry in SYSTEMS.items() if entry.webhook)
"""Whose events can be worked off."""
LIVE_BATCHES = ("events", "live_batches")
"""The asset under which the live worker notes its batches; nothing depends on it."""


def open_inbox(deployment: Deployment) -> Inbox:
    """Open the deployment's inbox; close it after use."""
    settings = deployment.settings
    return Inbox(
        settings.resolved_inbox_url,
        attempts=settings.inbox_attempts,
        capacity=settings.inbox_queue,
    )


def waiting_events(deployment: Deployment, *, older_than_s: float) -> Waiting | None:
    """What waits that can be worked off; None while the oldest of it is younger than that."""
    if not _has_inbox(deployment):
        return None
    inbox = open_inbox(deployment)
    try:
        waiting = inbox.waiting(SYSTEMS_WITH_EVENTS)
    finally:
        inbox.close()
    latest = datetime.now(UTC) - timedelta(seconds=older_than_s)
    is_due = waiting.ready and waiting.oldest is not None and waiting.oldest <= latest
    return waiting if is_due else None


def _has_inbox(deployment: Deployment) -> bool:
    """Whether there is one: looking must not make the file of an inbox that nobody uses."""
    url = deployment.settings.resolved_inbox_url
    path = url.removeprefix("sqlite:///")
    return path == url or Path(path).exists()


def expire_bodies(deployment: Deployment, inbox: Inbox) -> int:
    """Remove what the settings do not keep of settled events; return of how many."""
    settings = deployment.settings
    return inbox.expire(
        Retention(
            done=timedelta(days=settings.inbox_keep_done_days),
            discarded=timedelta(days=settings.inbox_keep_discarded_days),
        )
    )


def make_gateway(
    deployment: Deployment, inbox: Inbox, schemes: Mapping[str, Webhook] | None = None
) -> "Gateway":
    """The deployment's gateway over its inbox; refused events go to its quarantine.

    Args:
        deployment: whose settings say who may send what.
        inbox: from `open_inbox`.
        schemes: how each system signs; by default what its connector says. A system without a
            secret takes no webhooks.

    Raises:
        FatalError: a key or a signing secret is none.
    """
    from orchestration_assets.events.gateway.application import gateway
    from orchestration_assets.events.gateway.endpoint import Limits
    from orchestration_assets.events.gateway.senders import Senders
    from orchestration_assets.events.gateway.vendor_webhooks import VendorWebhook
    from orchestration_assets.state.quarantine import hold

    settings = deployment.settings
    state = deployment.state
    keys = {name: key.get_secret_value() for name, key in settings.events_keys.items()}
    return gateway(
        inbox,
        lambda system, stream, records: hold(state, system, stream, records),
        systems={
            system: VendorWebhook(scheme, secrets)
            for system, scheme in (webhook_schemes() if schemes is None else schemes).items()
            if (secrets := settings.webhook_secrets(system))
        },
        senders=Senders(keys, settings.signing_secrets),
        limits=Limits(
            body_bytes=settings.gateway_body_bytes,
            body_patience_s=settings.gateway_body_patience_s,
            depth=settings.gateway_json_depth,
            batch=settings.gateway_batch,
            events_per_s=settings.gateway_events_per_s,
        ),
        public_url=settings.public_url,
        latencies=lambda: percentiles(deployment, timedelta(hours=1)),
    )


def webhook_schemes() -> dict[str, Webhook]:
    """How each system of the catalogue signs its webhooks, where it sends any."""
    return {name: open_webhook(name) for name, entry in SYSTEMS.items() if entry.webhook}
