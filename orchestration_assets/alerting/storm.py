"""Storms: many incidents of one kind at once are told as one, and each stays on record.

A storm is an alert of its own for one channel. Which alerts it tells of stands in their delivery
rows, so that it can be shown that none was lost; it is over once they all are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from orchestration_assets.alerting.channel import Outlet
from orchestration_assets.alerting.due import DIGEST, Due, Look, Row
from orchestration_assets.alerting.routing import ONLY, Directory
from orchestration_assets.state import alert_deliveries, alerts
from orchestration_assets.state.store import StateStore

STORM = "storm"
WINDOW = timedelta(minutes=1)
# Enough to see what they have in common, and short enough for a telephone.
FIRST_KEYS = 10
# Storms about storms and about channels would hide what is to be seen to first.
_NEVER_FOLDED = frozenset({STORM, DIGEST, "alerting"})
# A growing storm is told again when it has doubled: ten messages for a thousand incidents.
_TOLD_AT = "told_at_count"


def fold(state: StateStore, seen: Look, outlets: Mapping[str, Outlet], directory: Directory) -> int:
    """Fold what is due into storms where it is too much; returns how many were folded.

    The storm is written before its members: a kill in between makes the next look fold again.
    """
    folded = 0
    for address, outlet in outlets.items():
        if outlet.fold_above is None:
            continue
        for kind, news in _news(seen.due, address).items():
            dense = _dense(_of_kind(seen, kind, address), outlet.fold_above)
            part = [due for due in news if due.alert["id"] in dense]
            if part:
                _fold_into(state, f"{STORM}/{kind}/{address}", address, part, directory)
                folded += len(part)
    return folded


def close_storms(state: StateStore, rows: Sequence[Row]) -> int:
    """Resolve the storms among open alerts whose members are all resolved; returns how many."""
    closed = 0
    for row in rows:
        if _kind(row) != STORM or row["resolved_at"] is not None:
            continue
        members = alert_deliveries.members(state, row["id"])
        if all(member["resolved_at"] is not None for member in members):
            closed += alerts.resolve(state, row["dedup_key"])
    return closed


def _news(due: Sequence[Due], address: str) -> dict[str, list[Due]]:
    """What the channel knows nothing of yet, by kind."""
    found: dict[str, list[Due]] = {}
    for one in due:
        kind = _kind(one.alert)
        if one.address == address and one.is_new and kind not in _NEVER_FOLDED:
            found.setdefault(kind, []).append(one)
    return found


def _of_kind(seen: Look, kind: str, address: str) -> list[Row]:
    """Alerts of a kind that the channel was told of or is due to be told of."""
    due = {one.alert["id"] for one in seen.due if one.address == address}
    return [
        row
        for row in seen.alerts
        if _kind(row) == kind and (row["id"] in due or address in seen.told.get(row["id"], ()))
    ]


def _dense(rows: Sequence[Row], most: int) -> set[int]:
    """Ids of those that opened within a minute of more than `most` in all."""
    ordered = sorted(rows, key=lambda row: row["opened_at"])
    found: set[int] = set()
    start = done = 0
    for end, row in enumerate(ordered):
        while row["opened_at"] - ordered[start]["opened_at"] > WINDOW:
            start += 1
        if end - start + 1 > most:
            found.update(one["id"] for one in ordered[max(start, done) : end + 1])
            done = end + 1
    return found


def _fold_into(
    state: StateStore, key: str, address: str, part: Sequence[Due], directory: Directory
) -> None:
    before = next(iter(alerts.open_alerts(state, key)), None)
    known = alert_deliveries.members(state, before["id"]) if before else []
    ids = {row["id"] for row in known}
    rows = [*known, *(due.alert for due in part if due.alert["id"] not in ids)]
    told_at = before["body"][_TOLD_AT] if before else len(rows)
    loud = before is not None and len(rows) >= 2 * told_at
    body = _body(rows, address, directory) | {_TOLD_AT: len(rows) if loud else told_at}
    severities = {row["severity"] for row in rows}
    severity = "critical" if "critical" in severities else "warning"
    title = f"{len(rows):,} incidents at once: {_kind(rows[0])}"
    alerts.open_or_update(state, key, severity, title, body, loud=loud)
    storm = alerts.newest(state, key)
    assert storm is not None
    members = [(due.alert, due.level) for due in part]
    alert_deliveries.record_folded(state, members, address, storm["id"])


def _body(rows: Sequence[Row], address: str, directory: Directory) -> dict[str, Any]:
    domains = Counter(directory.domain(row["body"]) or "no domain" for row in rows)
    more = len(rows) - FIRST_KEYS
    return {
        "what": "So many incidents of one kind opened within a minute that they are told as one.",
        "next_step": "Look for what they have in common; `accord alerts list` shows each of them,"
        " and `accord alerts ack` with this one's key takes them all on.",
        "held": sorted({name for row in rows for name in row["body"].get("held", ())}),
        "details": [
            *(f"{domain}: {count:,}" for domain, count in domains.most_common()),
            *(row["dedup_key"] for row in rows[:FIRST_KEYS]),
            *([f"and {more:,} more"] if more > 0 else []),
        ],
        "links": next((row["body"]["links"] for row in rows if row["body"].get("links")), {}),
        "owner": directory.owner(rows[0]["body"]),
        ONLY: [address],
    }


def _kind(row: Row) -> str:
    return row["dedup_key"].partition("/")[0]
