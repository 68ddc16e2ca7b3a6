"""Which channels an alert goes to: routes by severity and domain, targets by team and role.

Every route that fits adds its targets and none takes any away: a route for some can then never
leave an incident without those who see to all of them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from orchestration_assets.alerting.channel import LOG
from orchestration_assets.alerting.config import ROLES, AlertsConfig, split_target
from orchestration_assets.alerting.quiet import Quiet

WARNING = "warning"
# An alert whose body names these goes there and nowhere else.
ONLY = "only"
# An alert about a channel does not go there.
NOT_TO = "not_to"


@dataclass(frozen=True, slots=True)
class Team:
    """A team as people know it."""

    name: str
    email: str
    slack: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Who answers for what.

    Args:
        teams: by short name.
        roles: teams by role, by subject (`layers.core`, `connectors.hubspot`).
    """

    teams: Mapping[str, Team] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def owner(self, body: Mapping[str, Any]) -> str:
        """Short name of the team that answers for an alert; empty where nobody does."""
        if body.get("owner"):
            return str(body["owner"])
        return next(iter(self._of(body).get("accountable", ())), "")

    def domain(self, body: Mapping[str, Any]) -> str:
        """Whose data it is about: what the alert says, else who answers for it."""
        return str(body.get("domain") or self.owner(body))

    def teams_in(self, role: str, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Teams that have a role for an alert."""
        if role == "accountable":
            owner = self.owner(body)
            return (owner,) if owner else ()
        return tuple(self._of(body).get(role, ()))

    def in_words(self, body: Mapping[str, Any]) -> str:
        """The owner as people know it, and where it is reached."""
        owner = self.owner(body)
        team = self.teams.get(owner)
        return f"{team.name} ({team.slack})" if team else owner

    def _of(self, body: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        subject = body.get("subject") or f"groups.{body.get('domain', '')}"
        return self.roles.get(subject, {})


@dataclass(frozen=True, slots=True)
class Routing:
    """Where alerts go, with what there is set up.

    Args:
        config: the routes.
        directory: who answers for what.
        addresses: of the channels that are set up.
        quiet: when warnings wait.
    """

    config: AlertsConfig
    directory: Directory
    addresses: Collection[str]
    quiet: Quiet

    def wanted(self, alert: Mapping[str, Any], now: datetime) -> dict[str, int]:
        """Addresses that the alert goes to, each with the escalation level that it is reached at.

        A level is the minutes after which it is told; 0 is told at once.
        """
        body = alert["body"]
        if ONLY in body:
            return {address: 0 for address in body[ONLY] if address in self.addresses}
        found = {LOG: 0} if LOG in self.addresses else {}
        domain = self.directory.domain(body)
        for route in self.config.routes:
            if alert["severity"] not in route.severity or (
                route.domain and domain not in route.domain
            ):
                continue
            levels = [(0, route.tell)]
            levels += [
                (level.escalate_after, level.tell)
                for level in route.escalation
                if self._is_reached(alert, level.escalate_after, now)
            ]
            for minutes, targets in levels:
                for address in self.resolve(targets, body):
                    found[address] = max(found.get(address, 0), minutes)
        return {name: level for name, level in found.items() if name not in body.get(NOT_TO, ())}

    def resolve(self, targets: Collection[str], body: Mapping[str, Any]) -> list[str]:
        """Addresses of targets; a team without a channel of its own is told on the shared one."""
        found: dict[str, None] = {}
        for target in targets:
            channel, who = split_target(target)
            teams = self.directory.teams_in(who, body) if who in ROLES else (who,)
            for team in teams:
                for address in (f"{channel}:{team}" if team else channel, channel):
                    if address in self.addresses:
                        found[address] = None
                        break
        return list(found)

    def waits(self, alert: Mapping[str, Any], now: datetime) -> bool:
        """Whether quiet hours keep it back now."""
        return alert["severity"] == WARNING and self.quiet.covers(now)

    def slept_through(self, alert: Mapping[str, Any]) -> bool:
        """Whether it was over before the quiet hours in which it arose had ended."""
        if alert["severity"] != WARNING or alert["resolved_at"] is None:
            return False
        return alert["resolved_at"] <= self.quiet.end_after(alert["opened_at"]) and (
            self.quiet.covers(alert["opened_at"])
        )

    def _is_reached(self, alert: Mapping[str, Any], minutes: int, now: datetime) -> bool:
        if alert["resolved_at"] is not None or alert["acknowledged_at"] is not None:
            return False
        since = alert["severity_since"] or alert["opened_at"]
        if alert["severity"] == WARNING:
            # Nobody can acknowledge what nobody was told of.
            since = self.quiet.end_after(since)
        return now - since >= timedelta(minutes=minutes)
