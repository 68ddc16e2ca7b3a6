"""What is due: for each channel the messages that it has not had, from the store alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestration_assets.alerting.channel import LOG, Outlet
from orchestration_assets.alerting.message import Action
from orchestration_assets.alerting.routing import Routing
from orchestration_assets.state.alert_deliveries import Deliveries

DIGEST = "digest"
# Nothing that disturbs anybody: goes out in quiet hours too.
_CALM = frozenset({Action.RESOLVE, Action.ACKNOWLEDGE})
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Due:
    """One alert that one channel is to be told of.

    Args:
        alert: the alert's row.
        address: of the channel.
        action: why it is told.
        level: the escalation level that it is told at.
        row: what the channel was told so far; None where it was told nothing.
    """

    alert: Row
    address: str
    action: Action
    level: int
    row: Row | None

    @property
    def is_new(self) -> bool:
        """Whether the channel knows nothing of the alert yet."""
        return self.row is None or not self.row["told_version"]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the store found.

    Args:
        due: what may go out now, oldest first.
        waiting: addresses that are still to be told, now or later, by the alert's id.
        alerts: every alert that was looked at.
        told: what the channels were told of them.
    """

    due: Sequence[Due]
    waiting: Mapping[int, frozenset[str]]
    alerts: Sequence[Row]
    told: Deliveries


def look(
    alerts: Sequence[Row],
    told: Deliveries,
    routing: Routing,
    outlets: Mapping[str, Outlet],
    now: datetime,
) -> Look:
    """Find what is due.

    Args:
        alerts: open and unsettled ones.
        told: what the channels were told of them.
        routing: where they go.
        outlets: the channels that are set up, by address.
        now: the moment.
    """
    due: list[Due] = []
    waiting: dict[int, frozenset[str]] = {}
    still_open = {row["dedup_key"] for row in alerts if row["resolved_at"] is None}
    for alert in alerts:
        rows = told.get(alert["id"], {})
        wanted = routing.wanted(alert, now)
        known = {
            address: row["told_level"]
            for address, row in rows.items()
            if address in outlets and row["told_version"]
        }
        for address, level in (known | wanted).items():
            outlet, row = outlets[address], rows.get(address)
            action = (
                _while_open(alert, outlet, level, row)
                if alert["resolved_at"] is None
                else _after_the_end(alert, outlet, row, routing)
            )
            if action is None or (
                # The incident over there is that of the alert which is open now.
                action is Action.RESOLVE
                and outlet.keeps_incidents
                and alert["dedup_key"] in still_open
            ):
                continue
            waiting[alert["id"]] = waiting.get(alert["id"], frozenset()) | {address}
            one = Due(alert, address, action, level, row)
            if _may_go(one, outlet, routing, now):
                due.append(one)
    return Look(due, waiting, alerts, told)


def _after_the_end(alert: Row, outlet: Outlet, row: Row | None, routing: Routing) -> Action | None:
    told = row["told_version"] if row else 0
    if alert["body"].get("kind") == DIGEST:
        return None if told else Action.DIGEST
    if row and row["folded_into"] is not None:
        return None
    if told:
        return Action.RESOLVE if told < alert["version"] else None
    if outlet.address == LOG:
        return Action.RESOLVE
    # Told nothing of it: there is no incident to end, and no need to wake anybody for one that is
    # over before its quiet hours are.
    quiet = outlet.keeps_incidents or routing.slept_through(alert)
    return None if quiet else Action.RESOLVE


def _while_open(alert: Row, outlet: Outlet, level: int, row: Row | None) -> Action | None:
    if row is None or not row["told_version"]:
        return Action.OPEN
    if row["told_version"] < alert["version"]:
        return Action.AGAIN
    if level > row["told_level"] and row["folded_into"] is None:
        return Action.ESCALATE
    if not outlet.keeps_incidents or row["folded_into"] is not None:
        return None
    if alert["acknowledged_at"] is not None and not row["told_acknowledged"]:
        return Action.ACKNOWLEDGE
    return Action.UPDATE if row["told_revision"] < alert["revision"] else None


def _may_go(due: Due, outlet: Outlet, routing: Routing, now: datetime) -> bool:
    """Whether neither quiet hours nor a pause after a refusal keep it back."""
    if due.row and due.row["next_attempt_at"] is not None and due.row["next_attempt_at"] > now:
        return False
    if outlet.address == LOG or due.action is Action.DIGEST:
        return True
    calm = outlet.keeps_incidents and due.action in _CALM
    return calm or not routing.waits(due.alert, now)
