"""What a person does with alerts: look at them, take one on, have a digest sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from orchestration_assets.alerting.deliver import Desk, deliver_pending
from orchestration_assets.alerting.digest import Digest, add_digest, digest_of
from orchestration_assets.alerting.due import look
from orchestration_assets.alerting.storm import STORM
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.stages.tell import desk
from orchestration_assets.state import alert_deliveries, alerts

_FIELDS = (
    "severity",
    "title",
    "opened_at",
    "updated_at",
    "resolved_at",
    "occurrences",
    "acknowledged_at",
    "acknowledged_by",
    "acknowledged_note",
)
_TOLD = ("address", "told_at", "reference", "attempts", "next_attempt_at", "error")


@dataclass(frozen=True, slots=True)
class Overview:
    """The alerts there are.

    Args:
        alerts: open ones, and resolved ones that somebody is still to be told of.
        failing: channels that fail, with reason and the next attempt.
    """

    alerts: Sequence[Mapping[str, Any]]
    failing: Mapping[str, Mapping[str, Any]]


def overview(deployment: Deployment) -> Overview:
    """Open alerts with who was told and who is still to be; and the channels that fail."""
    with desk(deployment) as opened:
        rows = alerts.unsettled(opened.state)
        told = alert_deliveries.deliveries(opened.state)
        seen = look(rows, told, opened.routing, opened.outlets, opened.now())
        return Overview(
            [
                _described(opened, row, told.get(row["id"], {}), seen.waiting.get(row["id"], ()))
                for row in rows
            ],
            alert_deliveries.failing_channels(opened.state),
        )


def show(deployment: Deployment, key: str) -> dict[str, Any]:
    """The newest alert of a key with its fields, its deliveries and, for a storm, its members.

    Raises:
        FatalError: there never was one.
    """
    with desk(deployment) as opened:
        row = _of_key(opened, key)
        rows = alert_deliveries.deliveries_of(opened.state, row["id"])
        by_address = {one["address"]: one for one in rows}
        members = alert_deliveries.members(opened.state, row["id"]) if _is_storm(row) else []
        return {
            **_described(opened, row, by_address, ()),
            "body": row["body"],
            "deliveries": [{name: one[name] for name in _TOLD} for one in rows],
            "members": [
                {"key": one["dedup_key"], "resolved_at": one["resolved_at"]} for one in members
            ],
        }


def acknowledge(deployment: Deployment, key: str, by: str, note: str) -> int:
    """Take an open alert on, and tell the channels that keep incidents; a storm with all it holds.

    Returns:
        How many alerts were taken on; 0 when somebody had before.

    Raises:
        FatalError: no alert of that key is open.
    """
    with desk(deployment) as opened:
        row = _of_key(opened, key)
        if row["resolved_at"] is not None:
            raise FatalError(
                f"{key} is resolved already.", "`accord alerts list` shows what is open."
            )
        count = alerts.acknowledge(opened.state, _taken_on_with(opened, row), by, note)
        deliver_pending(opened)
        return count


def digest(deployment: Deployment) -> Digest:
    """What a digest would say now."""
    with desk(deployment) as opened:
        return digest_of(opened.state, opened.routing.directory, opened.now())


def send_digest(deployment: Deployment, *, again: bool = False) -> bool:
    """Send the digest of the day where `alerts.yml` says; once a day unless it is asked for again.

    Returns:
        Whether one was sent.
    """
    with desk(deployment) as opened:
        config, now = opened.routing.config, opened.now()
        if config.digest is None:
            return False
        local = now.astimezone(ZoneInfo(config.time_zone))
        name = f"{local:%Y-%m-%dT%H:%M:%S}" if again else f"{local:%Y-%m-%d}"
        addresses = ["log", *opened.routing.resolve(config.digest.tell, {})]
        said = digest_of(opened.state, opened.routing.directory, now)
        link = deployment.settings.dagster_url
        if not add_digest(opened.state, said, name, addresses, link):
            return False
        deliver_pending(opened)
        return True


def _of_key(opened: Desk, key: str) -> dict[str, Any]:
    row = alerts.newest(opened.state, key)
    if row is None:
        raise FatalError(
            f"There is no alert {key!r}.", "`accord alerts list` shows those that are open."
        )
    return row


def _taken_on_with(opened: Desk, row: Mapping[str, Any]) -> list[int]:
    """Ids of the alert and, for a storm, of all that it tells of, on the other channels too."""
    if not _is_storm(row):
        return [row["id"]]
    kind = row["dedup_key"].split("/")[1]
    storms = [one["id"] for one in alerts.open_alerts(opened.state, f"{STORM}/{kind}/")]
    members = (one["id"] for id_ in storms for one in alert_deliveries.members(opened.state, id_))
    return sorted({*storms, *members})


def _is_storm(row: Mapping[str, Any]) -> bool:
    return row["dedup_key"].startswith(f"{STORM}/")


def _described(
    opened: Desk,
    row: Mapping[str, Any],
    told: Mapping[str, Mapping[str, Any]],
    waiting: Sequence[str] | frozenset[str],
) -> dict[str, Any]:
    directory = opened.routing.directory
    return {
        "key": row["dedup_key"],
        **{name: row[name] for name in _FIELDS},
        "owner": directory.owner(row["body"]),
        "domain": directory.domain(row["body"]),
        "told": sorted(
            address
            for address, one in told.items()
            if one["told_version"] and one["folded_into"] is None
        ),
        "folded": {
            address: one["folded_into"]
            for address, one in told.items()
            if one["folded_into"] is not None
        },
        "waiting": {address: _why(told.get(address)) for address in sorted(waiting)},
    }


def _why(row: Mapping[str, Any] | None) -> str:
    return str(row["error"] or "") if row else ""
