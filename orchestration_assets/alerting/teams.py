"""Alerts to a Microsoft Teams channel through a workflow's webhook, as an Adaptive Card."""

import re
from typing import Any

import httpx

from orchestration_assets.alerting.message import Message
from orchestration_assets.alerting.vendor_call import call
from orchestration_assets.errors import RetriableError

_CARD = "application/vnd.microsoft.card.adaptive"
_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
_VERSION = "1.5"
# A workflow takes 28 KB; the longest texts are cut well below.
_TEXT_CHARS = 1_000
_DETAILS_CHARS = 4_000
_FACT_CHARS = 300
_COLOURS = {"critical": "attention", "warning": "warning"}
# The connectors that workflows replace say 200 and put the refusal into the text.
_REFUSAL = re.compile(r"endpoint returned HTTP error (\d{3})")


class TeamsChannel:
    """Posts alerts to one workflow webhook.

    Args:
        webhook_url: the secret address; it stands in no message and no log.
        client: for the calls.
        setting: where the address comes from.
    """

    def __init__(
        self, webhook_url: str, client: httpx.Client, setting: str = "ACCORD_TEAMS_WEBHOOK_URL"
    ) -> None:
        self._url = webhook_url
        self._client = client
        self._setting = setting

    def send(self, message: Message) -> None:
        """Post one card.

        Raises:
            RetriableError: Teams was not reached or is busy.
            FatalError: Teams refuses the webhook or the card.
        """
        response = call(
            self._client,
            "POST",
            self._url,
            channel="Microsoft Teams",
            setting=f"{self._setting}: the workflow may be gone",
            json=payload(message),
        )
        refused = _REFUSAL.search(response.text)
        if refused:
            raise RetriableError(
                f"Microsoft Teams is busy (HTTP {refused[1]} inside its answer).",
                "the alert stays due and is tried again; make a workflow webhook if it stays so.",
            )


def payload(message: Message) -> dict[str, Any]:
    """A message with one card."""
    colour = "good" if message.resolved else _COLOURS.get(message.severity, "default")
    body: list[dict[str, Any]] = [
        _text(message.headline, size="large", weight="bolder", color=colour),
        _text(message.what or "-"),
    ]
    if message.facts:
        facts = [
            {"title": name, "value": _plain(value)[:_FACT_CHARS]}
            for name, value in message.facts.items()
        ]
        body.append({"type": "FactSet", "facts": facts})
    if message.details:
        body.append(_text("\n".join(f"- {line}" for line in message.details), _DETAILS_CHARS))
    if message.next_step:
        body.append(_text(f"Next step: {message.next_step}", weight="bolder"))
    card: dict[str, Any] = {
        "$schema": _SCHEMA,
        "type": "AdaptiveCard",
        "version": _VERSION,
        "body": body,
        "msteams": {"width": "Full"},
    }
    if message.links:
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": name, "url": address}
            for name, address in message.links.items()
        ]
    attachment = {"contentType": _CARD, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(text: str, longest: int = _TEXT_CHARS, **options: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text)[:longest], "wrap": True, **options}


def _plain(text: str) -> str:
    """The text with what a card would read as markup made harmless."""
    return re.sub(r"([\\*\[\]])", r"\\\1", text)
