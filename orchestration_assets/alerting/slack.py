"""Alerts to a Slack channel through an incoming webhook."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from orchestration_assets.errors import FatalError, RetriableError

_ATTEMPTS = 4
_LONGEST_WAIT_S = 30.0
_TIMEOUT_S = 10.0
# Slack refuses a section of more than 3,000 characters and a header of more than 150.
_SECTION_CHARS = 2_900
_HEADER_CHARS = 150


class SlackChannel:
    """Posts alerts to one incoming webhook.

    Args:
        webhook_url: the secret address; it stands in no message and no log.
        client: made here when None.
        sleep: waits so many seconds.
    """

    name = "slack"

    def __init__(
        self,
        webhook_url: str,
        client: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = webhook_url
        self._client = client or httpx.Client(timeout=_TIMEOUT_S)
        self._sleep = sleep

    def send(self, alert: Mapping[str, Any]) -> None:
        """Post one alert; 429 and 5xx are tried again, as late as Slack asks for.

        Raises:
            RetriableError: Slack was not reached or stayed busy.
            FatalError: Slack refuses the webhook or the message.
        """
        message = payload(alert)
        outcome = "no answer"
        for attempt in range(_ATTEMPTS):
            wait = float(2**attempt)
            try:
                response = self._client.post(self._url, json=message)
            except httpx.HTTPError as error:
                # The text of the error may hold the address.
                outcome = type(error).__name__
            else:
                if response.is_success:
                    return
                outcome = f"HTTP {response.status_code}"
                if response.status_code != 429 and response.status_code < 500:
                    raise FatalError(
                        f"Slack refuses the alert ({outcome}).",
                        "check ACCORD_SLACK_WEBHOOK_URL: the webhook may be revoked.",
                    )
                wait = _retry_after(response, wait)
            if attempt + 1 < _ATTEMPTS:
                self._sleep(min(wait, _LONGEST_WAIT_S))
        raise RetriableError(
            f"Slack could not be told after {_ATTEMPTS} attempts ({outcome}).",
            "the alert stays due and goes out with the next delivery; check the network if not.",
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def payload(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The message for an alert row: a text for notifications and blocks for reading."""
    resolved = alert["resolved_at"] is not None
    status = "Resolved" if resolved else alert["severity"].capitalize()
    headline = f"{status}: {alert['title']}"
    body = alert["body"]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": headline[:_HEADER_CHARS]}},
        _section(_escape(body.get("what", ""))),
        {"type": "section", "fields": [_markdown(line) for line in _facts(alert)]},
    ]
    details = [f"• {_escape(line)}" for line in body.get("details", ())]
    if details and not resolved:
        blocks.append(_section("\n".join(details)))
    if not resolved:
        blocks.append(_section(f"*Next step:* {_escape(body.get('next_step', ''))}"))
    links = [f"<{address}|{_escape(name)}>" for name, address in body.get("links", {}).items()]
    if links:
        blocks.append({"type": "context", "elements": [_markdown(" · ".join(links))]})
    return {"text": _escape(headline), "blocks": blocks}


def _facts(alert: Mapping[str, Any]) -> list[str]:
    body = alert["body"]
    facts = [f"*Since*\n{alert['opened_at']:%Y-%m-%d %H:%M} UTC"]
    if alert["resolved_at"] is not None:
        facts.append(f"*Resolved*\n{alert['resolved_at']:%Y-%m-%d %H:%M} UTC")
    if body.get("rows") is not None:
        facts.append(f"*Rows*\n{body['rows']}")
    facts.append(f"*Owner*\n{_escape(body.get('owner') or 'nobody named')}")
    held = ", ".join(body.get("held", ())) or "none"
    facts.append(f"*Journeys held*\n{_escape(held)}")
    facts.append(f"*Seen*\n{alert['occurrences']} times")
    return facts


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _markdown(text or "-")}


def _markdown(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text[:_SECTION_CHARS]}


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _retry_after(response: httpx.Response, default: float) -> float:
    """Seconds that Slack asks to wait."""
    try:
        return max(float(response.headers.get("retry-after", default)), 0.0)
    except ValueError:
        return default
