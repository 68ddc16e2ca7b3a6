"""Telling people: every alert that changed goes to every channel once."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog

from orchestration_assets.errors import AccordError
from orchestration_assets.state import alerts
from orchestration_assets.state.ledger import delivery_lock
from orchestration_assets.state.store import StateStore


class Channel(Protocol):
    """A way to reach people."""

    name: str

    def send(self, alert: Mapping[str, Any]) -> None:
        """Tell people of an alert row.

        Raises:
            AccordError: they could not be told.
        """
        ...


def deliver_pending(state: StateStore, channels: Sequence[Channel]) -> dict[str, int]:
    """Send what people were not told of yet.

    What is due is read from the store and noted there channel by channel, so a restart neither
    loses nor repeats an alert; only a kill in the moment between a channel's answer and the note
    sends one twice.

    Returns:
        `delivered`: alerts that every channel has received; `failed`: alerts to be tried again.
    """
    counts = {"delivered": 0, "failed": 0}
    if not channels:
        return counts
    with delivery_lock(state, "alerts", "pending"):
        for alert in alerts.pending(state):
            complete = _tell(state, alert, channels)
            counts["delivered" if complete else "failed"] += 1
    return counts


def _tell(state: StateStore, alert: Mapping[str, Any], channels: Sequence[Channel]) -> bool:
    """Send one alert to the channels that have not received it; note each answer."""
    told = list(alert["body"].get(alerts.DELIVERED_TO, ()))
    errors = []
    for channel in channels:
        if channel.name in told:
            continue
        try:
            channel.send(alert)
        except AccordError as error:
            errors.append(f"{channel.name}: {error}")
            structlog.get_logger(__name__).error(
                "alert_not_delivered", channel=channel.name, alert=alert["dedup_key"]
            )
            continue
        told.append(channel.name)
        body = alert["body"] | {alerts.DELIVERED_TO: told}
        missing = [item.name for item in channels if item.name not in told]
        waiting = f"waiting for {', '.join(missing)}" if missing else None
        alerts.record_delivery(state, alert, body, waiting)
    if errors:
        body = alert["body"] | {alerts.DELIVERED_TO: told}
        alerts.record_delivery(state, alert, body, "; ".join(errors))
    return not errors
