"""Warnings wait for the end of quiet hours, and who does not answer is followed by others."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_httpserver import HTTPServer

from orchestration_assets.alerting.deliver import deliver_pending
from orchestration_assets.alerting.incidents import WARNING, Incident, clear, report
from orchestration_assets.alerting.quiet import Quiet
from orchestration_assets.state import alerts
from tests.unit.alerting.conftest import Hook, Office

WARNED = Incident(
    key="changes/hubspot",
    title="hubspot refuses deals",
    what="A scope is missing.",
    next_step="Add it.",
    subject="connectors.hubspot",
    severity=WARNING,
)


def quiet_for(office: Office, hours: int) -> None:
    """Quiet hours that began an hour ago and end in so many."""
    now = office.now()
    office.quiet = Quiet(
        _minute(now - timedelta(hours=1)), _minute(now + timedelta(hours=hours)), ZoneInfo("UTC")
    )


def _minute(moment: datetime) -> time:
    return moment.time().replace(second=0, microsecond=0)


@pytest.fixture
def told(office: Office, hook: Hook) -> Hook:
    office.log()
    office.slack(hook.url)
    return hook


def test_a_warning_waits_for_the_end_of_quiet_hours_and_a_critical_does_not(
    office: Office, told: Hook
) -> None:
    quiet_for(office, 2)
    report(office.state, WARNED)
    report(office.state, replace(WARNED, key="run/a/b", title="down", severity="critical"))
    deliver_pending(office.desk())
    assert told.texts == ["Critical: down"]
    office.later = timedelta(hours=2)
    deliver_pending(office.desk())
    assert told.texts[1:] == ["Warning: hubspot refuses deals"]


def test_a_warning_that_is_over_by_then_is_told_to_nobody(office: Office, told: Hook) -> None:
    quiet_for(office, 2)
    report(office.state, WARNED)
    deliver_pending(office.desk())
    clear(office.state, WARNED.key)
    deliver_pending(office.desk())
    office.later = timedelta(hours=3)
    deliver_pending(office.desk())
    assert told.messages == []
    assert alerts.unsettled(office.state) == []


def test_a_warning_that_turns_critical_in_quiet_hours_goes_out(office: Office, told: Hook) -> None:
    quiet_for(office, 2)
    report(office.state, WARNED)
    deliver_pending(office.desk())
    report(office.state, replace(WARNED, severity="critical"))
    deliver_pending(office.desk())
    assert told.texts == ["Critical: hubspot refuses deals"]


def test_the_end_of_a_warning_told_before_waits_as_well(office: Office, told: Hook) -> None:
    report(office.state, WARNED)
    deliver_pending(office.desk())
    quiet_for(office, 2)
    clear(office.state, WARNED.key)
    deliver_pending(office.desk())
    assert told.texts == ["Warning: hubspot refuses deals"]
    office.later = timedelta(hours=3)
    deliver_pending(office.desk())
    assert told.texts[1:] == ["Resolved: hubspot refuses deals"]


def test_each_level_is_told_once_and_an_acknowledgement_ends_it(
    office: Office, told: Hook, httpserver: HTTPServer
) -> None:
    crm, platform = Hook(httpserver, "/crm"), Hook(httpserver, "/platform")
    office.slack(crm.url, "slack:crm")
    office.slack(platform.url, "slack:platform")
    levels = [
        {"escalate_after": 30, "tell": ["slack", "slack:accountable"]},
        {"escalate_after": 60, "tell": ["slack:platform"]},
    ]
    office.routes = {"routes": [{"name": "all", "tell": ["slack"], "escalation": levels}]}
    report(office.state, replace(WARNED, severity="critical"))
    for minutes in (0, 29, 30, 31, 59):
        office.later = timedelta(minutes=minutes)
        deliver_pending(office.desk())
    late = "Critical, not acknowledged for 30 minutes: hubspot refuses deals"
    assert told.texts == ["Critical: hubspot refuses deals", late]
    assert crm.texts == [late]

    row = alerts.newest(office.state, WARNED.key)
    assert row is not None
    alerts.acknowledge(office.state, [row["id"]], "Ann", "")
    office.later = timedelta(minutes=90)
    deliver_pending(office.desk())
    assert platform.texts == []
    clear(office.state, WARNED.key)
    deliver_pending(office.desk())
    assert crm.texts[1:] == told.texts[2:] == ["Resolved: hubspot refuses deals"]
    assert platform.texts == []


def test_a_daemon_that_slept_tells_each_channel_of_the_last_level_once(
    office: Office, told: Hook
) -> None:
    levels = [{"escalate_after": minutes, "tell": ["slack"]} for minutes in (10, 20, 30)]
    office.routes = {"routes": [{"name": "all", "tell": ["slack"], "escalation": levels}]}
    report(office.state, replace(WARNED, severity="critical"))
    office.later = timedelta(hours=8)
    deliver_pending(office.desk())
    deliver_pending(office.desk())
    assert told.texts == ["Critical, not acknowledged for 30 minutes: hubspot refuses deals"]
