"""Alerts to a Slack channel through an incoming webhook."""

from collections.abc import Sequence
from typing import Any

import httpx

from orchestration_assets.alerting.message import Message
from orchestration_assets.alerting.vendor_call import call

# Slack refuses sections of more than 3,000 characters or ten fields, fields of more than 2,000 and
# headers of more than 150.
_SECTION_CHARS = 2_900
_FIELD_CHARS = 1_900
_HEADER_CHARS = 150
_FIELDS = 10
# A message has at most 50 blocks.
_DETAIL_SECTIONS = 20


class SlackChannel:
    """Posts alerts to one incoming webhook.

    Args:
        webhook_url: the secret address; it stands in no message and no log.
        client: for the calls.
        setting: where the address comes from.
    """

    def __init__(
        self, webhook_url: str, client: httpx.Client, setting: str = "ACCORD_SLACK_WEBHOOK_URL"
    ) -> None:
        self._url = webhook_url
        self._client = client
        self._setting = setting

    def send(self, message: Message) -> None:
        """Post one message.

        Raises:
            RetriableError: Slack was not reached or is busy.
            FatalError: Slack refuses the webhook or the message.
        """
        call(
            self._client,
            "POST",
            self._url,
            channel="Slack",
            setting=f"{self._setting}: the webhook may be revoked",
            json=payload(message),
        )


def payload(message: Message) -> dict[str, Any]:
    """A text for notifications and blocks for reading."""
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": message.headline[:_HEADER_CHARS]},
        },
        _section(_escape(message.what)),
    ]
    if message.facts:
        facts = [f"*{name}*\n{_escape(value)}" for name, value in message.facts.items()]
        fields = [_markdown(fact, _FIELD_CHARS) for fact in facts[:_FIELDS]]
        blocks.append({"type": "section", "fields": fields})
    if message.details:
        blocks += [_section(text) for text in _chunks(message.details)]
    if message.next_step:
        blocks.append(_section(f"*Next step:* {_escape(message.next_step)}"))
    links = [f"<{address}|{_escape(name)}>" for name, address in message.links.items()]
    if links:
        blocks.append({"type": "context", "elements": [_markdown(" · ".join(links))]})
    return {"text": _escape(message.headline), "blocks": blocks}


def _chunks(lines: Sequence[str]) -> list[str]:
    """The lines as texts that each fit a section; what is past the last one is left out."""
    texts = [""]
    for line in lines:
        text = f"• {_escape(line)}\n"
        if texts[-1] and len(texts[-1]) + len(text) > _SECTION_CHARS:
            texts.append("")
        texts[-1] += text
    return texts[:_DETAIL_SECTIONS]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _markdown(text or "-")}


def _markdown(text: str, longest: int = _SECTION_CHARS) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text[:longest]}


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
