"""What people are told, in one form for all channels; each channel gives it its own shape.

No personal data: free text goes through the mask once more, whoever wrote it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from orchestration_assets.masking import without_personal_data

# ServiceNow keeps 100 characters of a correlation, PagerDuty 255 of a key.
_KEY_CHARS = 100


class Action(StrEnum):
    """Why people are told."""

    OPEN = "open"
    AGAIN = "again"
    ESCALATE = "escalate"
    UPDATE = "update"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell.

    Args:
        action: why.
        key: of the incident; the same for all that is told of it.
        name: the same for the same message, however often it is sent.
        severity: `critical` or `warning`.
        title: the incident in one line.
        headline: the title, and what happened to it.
        what: what broke.
        facts: since when, rows, owner and the like, by name.
        details: further lines.
        next_step: what the owner should do; empty where nothing is to do.
        links: name to address.
        opened_at: since when.
        component: the domain.
        reference: what the vendor calls the incident, where the channel was told that.
        note: who took it on, and what that person wrote.
    """

    action: Action
    key: str
    name: str
    severity: str
    title: str
    headline: str
    what: str
    opened_at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    details: tuple[str, ...] = ()
    next_step: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    component: str = ""
    reference: str | None = None
    note: str = ""

    @property
    def resolved(self) -> bool:
        """Whether the trouble is over."""
        return self.action is Action.RESOLVE


def compose(
    alert: Mapping[str, Any],
    action: Action,
    *,
    owner: str,
    domain: str,
    level: int = 0,
    reference: str | None = None,
) -> Message:
    """The message for an alert row.

    Args:
        alert: the row.
        action: why people are told.
        owner: who answers for it, in words.
        domain: whose data it is about.
        level: minutes without acknowledgement after which the channel is told; 0 at once.
        reference: what the vendor calls the incident.
    """
    body = alert["body"]
    title = without_personal_data(alert["title"])
    over = action in (Action.RESOLVE, Action.DIGEST)
    return Message(
        action=action,
        key=alert["dedup_key"],
        name=f"{alert['id']}.{alert['version']}.{action}.{level}",
        severity=alert["severity"],
        title=title,
        headline=_headline(alert, action, title, level),
        what=without_personal_data(body.get("what", "")),
        opened_at=alert["opened_at"],
        facts={} if action is Action.DIGEST else _facts(alert, owner),
        details=() if action is Action.RESOLVE else _masked(body.get("details", ())),
        next_step="" if over else without_personal_data(body.get("next_step", "")),
        links=dict(body.get("links", {})),
        component=domain,
        reference=reference,
        note=_note(alert),
    )


def incident_key(key: str) -> str:
    """The key as systems with incidents of their own keep it: at most 100 characters."""
    if len(key) <= _KEY_CHARS:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"{key[: _KEY_CHARS - 17]}-{digest}"


def shown_time(moment: datetime) -> str:
    """A moment as people read it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _headline(alert: Mapping[str, Any], action: Action, title: str, level: int) -> str:
    severity = str(alert["severity"]).capitalize()
    if action is Action.RESOLVE:
        return f"Resolved: {title}"
    if action is Action.DIGEST:
        return title
    if action is Action.ACKNOWLEDGE:
        return f"Acknowledged: {title}"
    if level:
        return f"{severity}, not acknowledged for {level} minutes: {title}"
    if action is Action.AGAIN:
        return f"{severity}, changed: {title}"
    return f"{severity}: {title}"


def _facts(alert: Mapping[str, Any], owner: str) -> dict[str, str]:
    body = alert["body"]
    facts = {"Since": shown_time(alert["opened_at"])}
    if alert["resolved_at"] is not None:
        facts["Resolved"] = shown_time(alert["resolved_at"])
    if body.get("rows") is not None:
        facts["Rows"] = f"{body['rows']:,}"
    if body.get("customers") is not None:
        facts["Customers"] = f"{body['customers']:,}"
    facts["Owner"] = owner or "nobody named"
    facts["Journeys held"] = ", ".join(body.get("held", ())) or "none"
    facts["Seen"] = "once" if alert["occurrences"] == 1 else f"{alert['occurrences']:,} times"
    if alert.get("acknowledged_at") is not None:
        facts["Acknowledged"] = _note(alert)
    return facts


def _note(alert: Mapping[str, Any]) -> str:
    if alert.get("acknowledged_at") is None:
        return ""
    note = alert.get("acknowledged_note")
    said = f"by {alert['acknowledged_by']}" + (f": {note}" if note else "")
    return without_personal_data(said)


def _masked(lines: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(without_personal_data(line) for line in lines)
