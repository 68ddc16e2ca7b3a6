"""The digest: what is open, and what is over since the last one, in one message a day.

A digest is an alert of its own that is told once, so that its delivery is tried again and seen like
any other's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orchestration_assets.alerting.due import DIGEST
from orchestration_assets.alerting.routing import ONLY, WARNING, Directory
from orchestration_assets.alerting.storm import STORM
from orchestration_assets.state import alert_deliveries, alerts
from orchestration_assets.state.store import StateStore

# A screen; the rest is counted.
_LINES = 15
# More have not been resolved in a day by hand.
_MOST_RESOLVED = 1_000
_FIRST_SPAN = timedelta(days=1)
_OWN = (f"{STORM}/", f"{DIGEST}/")


@dataclass(frozen=True, slots=True)
class Digest:
    """What a digest says.

    Args:
        title: how many of what.
        lines: the sections, line by line.
    """

    title: str
    lines: Sequence[str]


def digest_of(state: StateStore, directory: Directory, now: datetime) -> Digest:
    """What there is to say now: open incidents by severity, what is over since the last digest."""
    before = alerts.newest_with_prefix(state, f"{DIGEST}/")
    since = before["opened_at"] if before else now - _FIRST_SPAN
    still = _incidents(alerts.open_alerts(state))
    over = _incidents(alerts.resolved_since(state, since, _MOST_RESOLVED))
    critical = [row for row in still if row["severity"] != WARNING]
    warnings = [row for row in still if row["severity"] == WARNING]
    failing = alert_deliveries.failing_channels(state)
    lines = [
        *_section("Critical", critical, directory, now),
        *_section("Warning", warnings, directory, now),
        *_section("Resolved", over, directory, now),
        *(f"Alerts do not reach {name}: {row['error']}" for name, row in failing.items()),
    ]
    title = (
        f"Digest: open {len(critical):,} critical, {len(warnings):,} warning;"
        f" resolved since the last one {len(over):,}"
    )
    return Digest(title, lines)


def add_digest(
    state: StateStore, digest: Digest, name: str, addresses: Sequence[str], link: str
) -> bool:
    """Have a digest delivered; False when one of that name was before.

    Args:
        state: the operational store.
        digest: what it says.
        name: the day, so that there is one a day however often it is asked for.
        addresses: of the channels that are told.
        link: address of the Dagster UI.
    """
    body: dict[str, Any] = {
        "kind": DIGEST,
        "what": "Nothing is open and nothing was." if not digest.lines else "",
        "details": list(digest.lines),
        "links": {"Dagster": link},
        ONLY: list(addresses),
    }
    return alerts.note_once(state, f"{DIGEST}/{name}", WARNING, digest.title, body)


def _incidents(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without the alerts that only speak of others."""
    return [row for row in rows if not row["dedup_key"].startswith(_OWN)]


def _section(
    name: str, rows: Sequence[Mapping[str, Any]], directory: Directory, now: datetime
) -> list[str]:
    lines = [f"{name}: {_line(row, directory, now)}" for row in rows[:_LINES]]
    more = len(rows) - _LINES
    return [*lines, f"{name}: and {more:,} more"] if more > 0 else lines


def _line(row: Mapping[str, Any], directory: Directory, now: datetime) -> str:
    """One incident, with how long it lasts: nobody reckons with dates."""
    end = row["resolved_at"] or now
    lasted = f"{'after' if row['resolved_at'] else 'for'} {_span(end - row['opened_at'])}"
    owner = directory.in_words(row["body"]) or "nobody named"
    taken = f", taken on by {row['acknowledged_by']}" if row["acknowledged_at"] else ""
    return f"{row['title']} ({lasted}, {owner}{taken})"


def _span(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
