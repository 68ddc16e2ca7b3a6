"""Alerts as PagerDuty incidents through the Events API, version 2.

PagerDuty keeps one incident for a key: what comes twice changes nothing.
"""

from typing import Any

import httpx

from orchestration_assets.alerting.message import Action, Message, incident_key
from orchestration_assets.alerting.vendor_call import call

_PATH = "/v2/enqueue"
_SUMMARY_CHARS = 1_024
_SOURCE = "accord"
_ACTIONS = {Action.RESOLVE: "resolve", Action.ACKNOWLEDGE: "acknowledge"}


class PagerDutyChannel:
    """Sends events to one integration of one service.

    Args:
        base_url: of the Events API.
        routing_key: the integration's secret key.
        client: for the calls.
        setting: where the key comes from.
    """

    def __init__(
        self,
        base_url: str,
        routing_key: str,
        client: httpx.Client,
        setting: str = "ACCORD_PAGERDUTY_ROUTING_KEY",
    ) -> None:
        self._url = base_url.rstrip("/") + _PATH
        self._key = routing_key
        self._client = client
        self._setting = setting

    def send(self, message: Message) -> str:
        """Trigger, acknowledge or resolve; returns PagerDuty's key of the incident.

        Raises:
            RetriableError: PagerDuty was not reached or is busy.
            FatalError: it refuses the event.
        """
        call(
            self._client,
            "POST",
            self._url,
            channel="PagerDuty",
            setting=self._setting,
            json=payload(message, self._key),
        )
        return incident_key(message.key)


def payload(message: Message, routing_key: str) -> dict[str, Any]:
    """The event for a message."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": _ACTIONS.get(message.action, "trigger"),
        "dedup_key": incident_key(message.key),
    }
    if message.action in _ACTIONS:
        return event
    event["payload"] = {
        "summary": message.headline[:_SUMMARY_CHARS],
        "source": _SOURCE,
        "severity": "critical" if message.severity == "critical" else "warning",
        "timestamp": message.opened_at.isoformat(),
        "component": message.component or _SOURCE,
        "class": message.key.partition("/")[0],
        "custom_details": {
            "what": message.what,
            **{name.lower(): value for name, value in message.facts.items()},
            "details": list(message.details),
            "next step": message.next_step,
        },
    }
    event["links"] = [{"href": address, "text": name} for name, address in message.links.items()]
    return event
