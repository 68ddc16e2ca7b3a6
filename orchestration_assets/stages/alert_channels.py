"""The channels that are set up, who answers for what, and so where alerts go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from functools import cached_property, partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from orchestration_assets.alerting.channel import LOG, Channel, Outlet
from orchestration_assets.alerting.config import FILE, AlertsConfig, problems, read_alerts
from orchestration_assets.alerting.log import LogChannel
from orchestration_assets.alerting.mail import MailChannel, Server
from orchestration_assets.alerting.pagerduty import PagerDutyChannel
from orchestration_assets.alerting.quiet import Quiet
from orchestration_assets.alerting.routing import Directory, Routing, Team
from orchestration_assets.alerting.servicenow import Account, ServiceNowChannel
from orchestration_assets.alerting.slack import SlackChannel
from orchestration_assets.alerting.teams import TeamsChannel
from orchestration_assets.alerting.vendor_call import http_client
from orchestration_assets.errors import AccordError, FatalError
from orchestration_assets.governance.raci import KINDS, Raci
from orchestration_assets.settings import Settings
from orchestration_assets.stages.governance import raci_of

if TYPE_CHECKING:
    import httpx

# Slack and Teams take about one message a second, and nobody reads more than a screen of them.
_FOLD_CHATS = 10
# A mailbox that fills up is filtered away.
_FOLD_MAILS = 5
# PagerDuty takes about 120 events a minute for a key: half of them leave room for other kinds.
# ServiceNow's limits are set by the hour by each instance, and each incident is somebody's work.
_FOLD_PAGERDUTY = 60
_FOLD_SERVICENOW = 30


_USUAL_DIGEST = time(7)


@dataclass
class Web:
    """One HTTP client for all channels, made when the first of them is used."""

    @cached_property
    def client(self) -> "httpx.Client":
        """The client."""
        return http_client()

    def close(self) -> None:
        """Close its connections, if there are any."""
        if "client" in self.__dict__:
            self.client.close()


def outlets_of(
    settings: Settings, config: AlertsConfig, directory: Directory, web: Web
) -> dict[str, Outlet]:
    """The channels that have what they need, by address; the log always has."""
    found = [Outlet(LOG, LogChannel, LOG)]
    found += _of_webhook(
        "slack",
        settings.slack_webhook_url,
        settings.slack_webhooks,
        lambda secret, setting: SlackChannel(secret, web.client, setting),
    )
    found += _of_webhook(
        "teams",
        settings.teams_webhook_url,
        settings.teams_webhooks,
        lambda secret, setting: TeamsChannel(secret, web.client, setting),
    )
    found += _pagerduty(settings, web)
    if settings.servicenow_base_url:
        account = Account(
            settings.servicenow_base_url,
            settings.servicenow_user,
            settings.servicenow_password.get_secret_value(),
            config.servicenow.close_code,
            config.servicenow.fields,
        )
        found.append(
            Outlet(
                "servicenow",
                lambda: ServiceNowChannel(account, web.client),
                "servicenow",
                keeps_incidents=True,
                fold_above=_FOLD_SERVICENOW,
            )
        )
    found += _mail(settings, directory)
    return {outlet.address: outlet for outlet in found}


def directory_of(raci: Raci) -> Directory:
    """Who answers for what, as the alerts need it."""
    return Directory(
        {
            short: Team(name=team.name, email=team.email, slack=team.slack)
            for short, team in raci.teams.items()
        },
        {
            f"{kind}.{name}": {
                role: tuple(entry.teams(role))
                for role in ("responsible", "accountable", "consulted", "informed")
            }
            for kind in KINDS
            for name, entry in raci.section(kind).items()
        },
    )


def routing_of(
    config: AlertsConfig, directory: Directory, outlets: Mapping[str, Outlet]
) -> Routing:
    """Where alerts go with these channels."""
    hours = config.quiet_hours
    quiet = Quiet(hours.start, hours.end, ZoneInfo(config.time_zone)) if hours else Quiet()
    return Routing(config, directory, frozenset(outlets), quiet)


def checked_config(settings: Settings, raci: Raci) -> AlertsConfig:
    """The deployment's `alerts.yml`, held against the teams that there are.

    Raises:
        FatalError: it is not what it should be; says what to write.
    """
    config = read_alerts(settings.config_dir / FILE)
    found = problems(config, tuple(raci.teams), {*raci.teams, *raci.groups})
    if found:
        raise FatalError(
            f"config/{FILE} has {len(found)} problems: {'; '.join(found)}.",
            "write what each of them says; docs/alerts.md shows a whole file.",
        )
    return config


def digest_time(settings: Settings) -> tuple[time, str]:
    """When the digest goes out, and by whose clock; a broken file leaves the usual time.

    What is wrong with the file is told by `accord doctor` and by every tick of the alerts: it must
    not keep the whole code location from loading.
    """
    try:
        config = read_alerts(settings.config_dir / FILE)
    except AccordError:
        config = AlertsConfig()
    return (config.digest.at if config.digest else _USUAL_DIGEST), config.time_zone


def left_out(settings: Settings) -> list[str]:
    """Targets of the routes that reach nobody because their channel is not set up.

    Raises:
        FatalError: `alerts.yml` or `raci.yml` is not what it should be.
    """
    raci = raci_of(settings)
    config, directory = checked_config(settings, raci), directory_of(raci)
    outlets = outlets_of(settings, config, directory, Web())
    channels = {address.partition(":")[0] for address in outlets}
    targets = [target for route in config.routes for target in route.tell]
    targets += [one for route in config.routes for level in route.escalation for one in level.tell]
    targets += config.digest.tell if config.digest else []
    return sorted(
        {name for target in targets if (name := target.partition(":")[0]) not in channels}
    )


def _of_webhook(
    channel: str,
    shared: SecretStr,
    of_teams: Mapping[str, SecretStr],
    make: Callable[[str, str], Channel],
) -> list[Outlet]:
    """The channel of all and those of teams; each fails alone."""
    secrets = {channel: (shared, f"ACCORD_{channel.upper()}_WEBHOOK_URL")}
    setting = f"ACCORD_{channel.upper()}_WEBHOOKS"
    secrets |= {f"{channel}:{team}": (url, setting) for team, url in of_teams.items()}
    return [
        Outlet(
            address,
            partial(make, secret.get_secret_value(), setting),
            address,
            fold_above=_FOLD_CHATS,
        )
        for address, (secret, setting) in secrets.items()
        if secret.get_secret_value()
    ]


def _pagerduty(settings: Settings, web: Web) -> list[Outlet]:
    keys = {"pagerduty": (settings.pagerduty_routing_key, "ACCORD_PAGERDUTY_ROUTING_KEY")}
    keys |= {
        f"pagerduty:{team}": (key, "ACCORD_PAGERDUTY_ROUTING_KEYS")
        for team, key in settings.pagerduty_routing_keys.items()
    }

    def make(key: str, setting: str) -> Channel:
        return PagerDutyChannel(settings.pagerduty_base_url, key, web.client, setting)

    return [
        Outlet(
            address,
            partial(make, key.get_secret_value(), setting),
            address,
            keeps_incidents=True,
            fold_above=_FOLD_PAGERDUTY,
        )
        for address, (key, setting) in keys.items()
        if key.get_secret_value()
    ]


def _mail(settings: Settings, directory: Directory) -> list[Outlet]:
    """One address a team, all through one server."""
    if not settings.smtp_host:
        return []
    server = Server(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        sender=settings.smtp_from,
        password=settings.smtp_password.get_secret_value(),
    )
    return [
        Outlet(
            f"email:{short}",
            partial(MailChannel, server, team.email),
            "email",
            fold_above=_FOLD_MAILS,
        )
        for short, team in directory.teams.items()
    ]
