"""Who is told of what: `alerts.yml`, read and held right. Secrets are settings, never in the file.

Every problem that is found says what to write where.
"""

import re
from collections.abc import Collection, Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from orchestration_assets.errors import FatalError

FILE = "alerts.yml"
CHANNELS = ("slack", "teams", "email", "pagerduty", "servicenow")
ROLES = ("responsible", "accountable", "consulted", "informed")
# Channels that a digest would open an incident in.
_NO_DIGEST = ("pagerduty", "servicenow")
_TARGET = re.compile(r"^([a-z]+)(?::([a-z0-9_-]+))?$")


def _clock(value: Any) -> time:
    """A time of day; without quotes YAML makes a number of 20:00."""
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('write a time of day in quotes, such as "20:00"')
    return time.fromisoformat(value)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("write a time zone by its place, such as Europe/Paris, or UTC") from None
    return value


Clock = Annotated[time, BeforeValidator(_clock)]
Targets = Annotated[list[str], Field(min_length=1)]
Severity = Literal["critical", "warning"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Level(_Part):
    """Who else is told of an incident that nobody has acknowledged."""

    escalate_after: int = Field(gt=0, description="Minutes without acknowledgement.")
    tell: Targets


class Route(_Part):
    """Incidents of these severities and domains go to these targets."""

    name: str = Field(min_length=1)
    severity: list[Severity] = Field(default=["critical", "warning"], min_length=1)
    domain: list[str] = Field(default_factory=list, description="Empty: all of them.")
    tell: Targets
    escalation: list[Level] = Field(default_factory=list)


class QuietHours(_Part):
    """When warnings wait."""

    start: Clock = Field(alias="from")
    end: Clock = Field(alias="to")


class DigestTime(_Part):
    """When the digest goes out, and where to."""

    at: Clock
    tell: Targets


class ServiceNowFields(_Part):
    """What an instance's own rules want to be told."""

    close_code: str = "Solution provided"
    fields: dict[str, str] = Field(default_factory=dict)


_EVERYTHING = Route(name="everything", tell=["slack"])


class AlertsConfig(_Part):
    """The whole file; without one, everything goes to the Slack webhook where that is set."""

    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    quiet_hours: QuietHours | None = None
    digest: DigestTime | None = None
    servicenow: ServiceNowFields = ServiceNowFields()
    routes: list[Route] = Field(default=[_EVERYTHING], min_length=1)


# Where a key may stand to what may stand there.
_PARTS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): AlertsConfig,
    ("quiet_hours",): QuietHours,
    ("digest",): DigestTime,
    ("servicenow",): ServiceNowFields,
    ("routes",): Route,
    ("routes", "escalation"): Level,
}


def read_alerts(path: Path) -> AlertsConfig:
    """Read the file; the defaults where there is none.

    Raises:
        FatalError: it is not what it should be; names every key and what to write instead.
    """
    import yaml

    if not path.is_file():
        return AlertsConfig()
    shown = f"{path.parent.name}/{path.name}"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise FatalError(f"{shown} cannot be read: {error}", "correct that line.") from error
    try:
        return AlertsConfig.model_validate(content or {})
    except ValidationError as error:
        wrong = "; ".join(_problem(one["type"], one["loc"], one["msg"]) for one in error.errors())
        raise FatalError(
            f"{shown} is not as it should be: {wrong}.",
            "write what each of them says; docs/alerts.md shows a whole file.",
        ) from error


def problems(config: AlertsConfig, teams: Collection[str], domains: Collection[str]) -> list[str]:
    """Targets, teams and domains that there are not, each with what to write instead.

    Args:
        config: the file.
        teams: short names of the teams of raci.yml.
        domains: what an incident's domain can be.
    """
    found = []
    for number, route in enumerate(config.routes):
        where = f"routes[{number}] ({route.name})"
        found += [
            f"{where} names the unknown domain `{name}`: use one of {', '.join(sorted(domains))}"
            for name in route.domain
            if name not in domains
        ]
        for target in (*route.tell, *(one for level in route.escalation for one in level.tell)):
            found += [f"{where}: {wrong}" for wrong in _target_problems(target, teams)]
    for target in config.digest.tell if config.digest else ():
        found += [f"digest: {wrong}" for wrong in _target_problems(target, teams)]
        found += [
            f"digest: {target} opens incidents: send the digest to slack, teams or email"
            for channel in _NO_DIGEST
            if target.partition(":")[0] == channel
        ]
        found += [
            f"digest: `{target}` names a role, which a digest has none of: name a team"
            for role in ROLES
            if target.endswith(f":{role}")
        ]
    if not any("critical" in route.severity and not route.domain for route in config.routes):
        found.append(
            "no route takes critical incidents of every domain, so one that nobody thought of would"
            " reach nobody: add a route with `severity: [critical]` and no domain"
        )
    return found


def split_target(target: str) -> tuple[str, str]:
    """Channel and team or role of a target; the second is empty for the channel of all."""
    channel, _, who = target.partition(":")
    return channel, who


def _target_problems(target: str, teams: Collection[str]) -> list[str]:
    channel, who = split_target(target)
    if not _TARGET.match(target) or channel not in CHANNELS:
        known = ", ".join(CHANNELS)
        return [f"`{target}` is no channel: write one of {known}, or one with `:<team>` behind it"]
    if channel == "email" and not who:
        return ["`email` needs to know whom: write email:accountable or email:<team>"]
    if channel == "servicenow" and who:
        return [f"`{target}`: there is one instance, and the incident names its owner: servicenow"]
    if who and who not in teams and who not in ROLES:
        known = (
            f"add it under teams in config/raci.yml, or use one of {', '.join((*ROLES, *teams))}"
        )
        return [f"`{target}` names the unknown team `{who}`: {known}"]
    return []


def _problem(kind: str, location: tuple[int | str, ...], message: str) -> str:
    """One problem in words: the key, and what to write."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    shown = shown.removeprefix(".") or "the file"
    if kind == "extra_forbidden":
        place = tuple(part for part in location[:-1] if isinstance(part, str))
        fields = _PARTS[place].model_fields if place in _PARTS else {}
        names = ", ".join(field.alias or name for name, field in fields.items())
        return f"`{shown}` is no key here: write one of {names}"
    if kind == "missing":
        return f"`{shown}` is missing: add it"
    return f"`{shown}`: {message.removeprefix('Value error, ')}"
