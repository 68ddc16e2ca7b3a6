"""Who is told: routes add up, roles come from raci.yml, levels come with time, warnings may wait."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from orchestration_assets.alerting.config import AlertsConfig, problems, read_alerts
from orchestration_assets.alerting.quiet import Quiet
from orchestration_assets.alerting.routing import Directory, Routing
from orchestration_assets.errors import FatalError
from tests.unit.alerting.conftest import ROLES, TEAMS

OPENED = datetime(2026, 11, 25, 12, tzinfo=UTC)
ADDRESSES = frozenset(
    {"log", "slack", "slack:crm", "pagerduty", "email:crm", "email:platform", "email:privacy"}
)


def alert(**changes: Any) -> dict[str, Any]:
    row = {
        "severity": "critical",
        "body": {"subject": "connectors.hubspot"},
        "opened_at": OPENED,
        "severity_since": OPENED,
        "resolved_at": None,
        "acknowledged_at": None,
    }
    return row | changes


def wanted(
    routes: list[dict[str, Any]], row: dict[str, Any], minutes: int = 0, quiet: Quiet | None = None
) -> dict[str, int]:
    config = AlertsConfig.model_validate({"routes": routes})
    routing = Routing(config, Directory(TEAMS, ROLES), ADDRESSES, quiet or Quiet())
    return routing.wanted(row, OPENED + timedelta(minutes=minutes))


def test_every_route_that_fits_adds_its_targets() -> None:
    routes = [
        {"name": "a", "severity": ["critical"], "tell": ["pagerduty"]},
        {"name": "b", "severity": ["warning"], "tell": ["slack"]},
        {"name": "c", "domain": ["commerce"], "tell": ["email:platform"]},
        {"name": "d", "domain": ["crm"], "tell": ["email:crm"]},
    ]
    assert wanted(routes, alert()).keys() == {"log", "pagerduty", "email:crm"}
    assert wanted(routes, alert(severity="warning")).keys() == {"log", "slack", "email:crm"}
    of_commerce = alert(body={"subject": "layers.core", "domain": "commerce"})
    assert wanted(routes, of_commerce).keys() == {"log", "pagerduty", "email:platform"}


def test_roles_are_those_of_what_is_broken() -> None:
    routes = [{"name": "a", "tell": ["email:accountable", "email:informed", "email:consulted"]}]
    assert wanted(routes, alert()).keys() == {"log", "email:crm", "email:privacy"}
    core = alert(body={"subject": "layers.core"})
    assert wanted(routes, core).keys() == {"log", "email:platform", "email:privacy"}
    named = alert(body={"owner": "platform", "subject": "connectors.hubspot"})
    assert wanted(routes, named).keys() == {"log", "email:platform", "email:privacy"}


def test_a_team_without_a_channel_of_its_own_is_reached_on_the_shared_one() -> None:
    routes = [{"name": "a", "tell": ["slack:accountable"]}]
    assert wanted(routes, alert()).keys() == {"log", "slack:crm"}
    core = alert(body={"subject": "layers.core"})
    assert wanted(routes, core).keys() == {"log", "slack"}


def test_further_channels_are_told_once_nobody_has_acknowledged_in_time() -> None:
    routes = [
        {
            "name": "a",
            "tell": ["slack"],
            "escalation": [
                {"escalate_after": 30, "tell": ["pagerduty"]},
                {"escalate_after": 90, "tell": ["slack", "email:platform"]},
            ],
        }
    ]
    assert wanted(routes, alert(), 29) == {"log": 0, "slack": 0}
    assert wanted(routes, alert(), 30) == {"log": 0, "slack": 0, "pagerduty": 30}
    late = {"log": 0, "slack": 90, "pagerduty": 30, "email:platform": 90}
    assert wanted(routes, alert(), 90) == late
    assert wanted(routes, alert(acknowledged_at=OPENED), 90) == {"log": 0, "slack": 0}


def test_the_clock_of_a_warning_starts_when_its_quiet_hours_end() -> None:
    routes = [
        {
            "name": "a",
            "tell": ["slack"],
            "escalation": [{"escalate_after": 30, "tell": ["email:crm"]}],
        }
    ]
    quiet = Quiet(time(11), time(13), ZoneInfo("UTC"))
    warning = alert(severity="warning")
    assert "email:crm" not in wanted(routes, warning, 89, quiet)
    assert "email:crm" in wanted(routes, warning, 90, quiet)
    assert "email:crm" in wanted(routes, alert(), 30, quiet)


@pytest.mark.parametrize(
    ("moment", "quiet_there", "end"),
    [
        ("2026-07-01T17:59:00Z", False, "2026-07-01T17:59:00Z"),
        ("2026-07-01T18:00:00Z", True, "2026-07-02T05:00:00Z"),
        ("2026-07-02T04:59:00Z", True, "2026-07-02T05:00:00Z"),
        ("2026-12-01T18:59:00Z", False, "2026-12-01T18:59:00Z"),
        ("2026-12-01T23:30:00Z", True, "2026-12-02T06:00:00Z"),
        # The night in which clocks go back has an hour more.
        ("2026-10-24T18:00:00Z", True, "2026-10-25T06:00:00Z"),
    ],
)
def test_quiet_hours_go_by_the_clock_of_the_place(moment: str, quiet_there: bool, end: str) -> None:
    quiet = Quiet(time(20), time(7), ZoneInfo("Europe/Paris"))
    at = datetime.fromisoformat(moment)
    assert quiet.covers(at) is quiet_there
    assert quiet.end_after(at) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("routes: [{name: a, tel: [slack]}]", "`routes[0].tel` is no key here: write one of name,"),
        ("routes: [{name: a}]", "`routes[0].tell` is missing: add it"),
        ("rules: []", "`rules` is no key here: write one of time_zone, quiet_hours, digest,"),
        ("quiet_hours: {from: 20:00, to: '07:00'}", "write a time of day in quotes"),
        ("quiet_hours: {since: '20:00', to: '07:00'}", "write one of from, to"),
        ("time_zone: Paris", "write a time zone by its place, such as Europe/Paris"),
        ("routes: [{name: a, tell: [slack], severity: [bad]}]", "'critical' or 'warning'"),
        (
            "routes: [{name: a, tell: [slack], escalation: [{after: 5, tell: [slack]}]}]",
            "write one of escalate_after, tell",
        ),
        ("routes: [", "cannot be read"),
    ],
)
def test_a_wrong_file_says_what_to_write(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "alerts.yml"
    path.write_text(text)
    with pytest.raises(FatalError) as raised:
        read_alerts(path)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tell": ["pager"]}, "`pager` is no channel: write one of slack, teams, email,"),
        ({"tell": ["email:crmm"]}, "names the unknown team `crmm`: add it under teams in"),
        ({"tell": ["email"]}, "write email:accountable or email:<team>"),
        ({"tell": ["servicenow:crm"]}, "there is one instance"),
        ({"domain": ["sales"]}, "the unknown domain `sales`: use one of commerce, crm"),
        ({"severity": ["warning"]}, "no route takes critical incidents of every domain"),
    ],
)
def test_teams_domains_and_channels_that_there_are_not_are_named(
    changes: dict[str, Any], said: str
) -> None:
    route = {"name": "a", "tell": ["slack"], **changes}
    config = AlertsConfig.model_validate({"routes": [route]})
    assert said in "; ".join(problems(config, ("crm", "commerce"), ("crm", "commerce")))


def test_a_digest_opens_no_incidents_and_has_no_owner() -> None:
    tell = ["pagerduty", "email:accountable"]
    config = AlertsConfig.model_validate({"digest": {"at": "07:00", "tell": tell}})
    found = "; ".join(problems(config, ("crm",), ("crm",)))
    assert "digest: pagerduty opens incidents" in found
    assert "`email:accountable` names a role" in found


def test_without_a_file_everything_goes_to_the_shared_channel(tmp_path: Path) -> None:
    config = read_alerts(tmp_path / "alerts.yml")
    assert [route.tell for route in config.routes] == [["slack"]]
    assert problems(config, (), ()) == []
