"""Every alert reaches every channel once, and a broken channel is everybody's news but nobody's wait."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from orchestration_assets.alerting.deliver import deliver_pending
from orchestration_assets.alerting.failing import pause_after
from orchestration_assets.alerting.incidents import Incident, clear, report
from orchestration_assets.state import alert_deliveries, alerts
from tests.unit.alerting.conftest import Hook, Office

BROKEN = Incident(
    key="landing/hubspot.contacts",
    title="hubspot.contacts cannot be read",
    what="HubSpot refused the token.",
    next_step="Set ACCORD_HUBSPOT_TOKEN.",
    subject="connectors.hubspot",
    held=["jrn_a"],
)
ONE = {"delivered": 1, "failed": 0, "folded": 0}
NONE = {"delivered": 0, "failed": 0, "folded": 0}
FAILED = {"delivered": 0, "failed": 1, "folded": 0}


@pytest.fixture
def told(office: Office, hook: Hook) -> Hook:
    office.log()
    office.slack(hook.url)
    return hook


def test_an_alert_is_told_once_and_its_resolution_once(office: Office, told: Hook) -> None:
    report(office.state, BROKEN)
    assert deliver_pending(office.desk()) == ONE
    assert deliver_pending(office.desk()) == NONE
    clear(office.state, BROKEN.key)
    assert deliver_pending(office.desk()) == ONE
    assert deliver_pending(office.desk()) == NONE
    assert told.texts == [
        "Critical: hubspot.contacts cannot be read",
        "Resolved: hubspot.contacts cannot be read",
    ]
    assert alerts.unsettled(office.state) == []


def test_moving_figures_tell_nobody_again_but_what_is_held_does(office: Office, told: Hook) -> None:
    report(office.state, BROKEN)
    deliver_pending(office.desk())
    report(office.state, replace(BROKEN, rows=99))
    assert deliver_pending(office.desk()) == NONE
    report(office.state, replace(BROKEN, held=["jrn_a", "jrn_b"]))
    assert deliver_pending(office.desk()) == ONE
    assert told.texts[-1] == "Critical, changed: hubspot.contacts cannot be read"


def test_what_was_over_before_a_channel_worked_is_told_as_resolved(
    office: Office, told: Hook
) -> None:
    report(office.state, BROKEN)
    clear(office.state, BROKEN.key)
    assert deliver_pending(office.desk()) == ONE
    assert told.texts == ["Resolved: hubspot.contacts cannot be read"]


def test_a_hiccup_is_tried_again_at_once(office: Office, told: Hook) -> None:
    told.answers = [Response("slow down", 429, {"Retry-After": "0.01"})]
    report(office.state, BROKEN)
    assert deliver_pending(office.desk()) == ONE
    assert told.calls == 2


def test_a_busy_channel_is_left_alone_for_as_long_as_it_asks(office: Office, told: Hook) -> None:
    told.answers = [Response("slow down", 429, {"Retry-After": "300"})]
    report(office.state, BROKEN)
    assert deliver_pending(office.desk()) == FAILED
    office.later = timedelta(seconds=290)
    assert deliver_pending(office.desk()) == FAILED
    assert told.calls == 1
    office.later = timedelta(seconds=301)
    assert deliver_pending(office.desk()) == ONE


def test_pauses_grow_and_end_somewhere() -> None:
    seconds = [pause_after(count).total_seconds() for count in (1, 2, 3, 7, 500)]
    assert seconds == [15, 30, 60, 900, 900]


def test_a_failed_delivery_shows_and_is_made_up_for(office: Office, told: Hook) -> None:
    told.answers = [Response("no_service", 404)]
    report(office.state, BROKEN)
    assert deliver_pending(office.desk()) == {"delivered": 1, "failed": 1, "folded": 0}
    failing = alert_deliveries.failing_channels(office.state)["slack"]
    assert failing["error"].startswith("Slack refuses the call (HTTP 404).")
    assert "ACCORD_SLACK_WEBHOOK_URL" in failing["error"]
    assert "/hook" not in str(failing)
    office.later = timedelta(seconds=16)
    deliver_pending(office.desk())
    assert told.texts == ["Critical: hubspot.contacts cannot be read"]
    assert alert_deliveries.failing_channels(office.state) == {}


def test_a_broken_channel_is_told_of_on_the_others_until_it_works(
    office: Office, told: Hook, httpserver: HTTPServer
) -> None:
    other = Hook(httpserver, "/other")
    office.slack(other.url, "slack:platform")
    office.routes = {"routes": [{"name": "all", "tell": ["slack", "slack:platform"]}]}
    told.answers = [Response("gone", 410)]
    report(office.state, BROKEN)
    deliver_pending(office.desk())
    assert other.texts == [
        "Critical: hubspot.contacts cannot be read",
        "Critical: Alerts do not reach slack",
    ]
    office.later = timedelta(seconds=16)
    deliver_pending(office.desk())
    deliver_pending(office.desk())
    assert other.texts[2:] == ["Resolved: Alerts do not reach slack"]
    assert told.texts == ["Critical: hubspot.contacts cannot be read"]


def test_an_unreachable_channel_loses_nothing_and_holds_up_nobody(
    office: Office, hook: Hook
) -> None:
    office.slack("http://127.0.0.1:9/hook")
    office.slack(hook.url, "slack:crm")
    office.routes = {"routes": [{"name": "all", "tell": ["slack", "slack:accountable"]}]}
    office.budget_s = 1.0
    report(office.state, BROKEN)
    began = time.monotonic()
    assert deliver_pending(office.desk())["failed"] == 1
    assert time.monotonic() - began < 10
    assert hook.texts == ["Critical: hubspot.contacts cannot be read"]
    error = alert_deliveries.failing_channels(office.state)["slack"]["error"]
    assert "ConnectError" in error
    assert "127.0.0.1" not in error


def test_a_message_that_is_refused_waits_alone(office: Office, told: Hook) -> None:
    told.answers = [Response("invalid_blocks", 400)]
    report(office.state, BROKEN)
    report(office.state, replace(BROKEN, key="landing/shop.orders", title="shop.orders"))
    assert deliver_pending(office.desk()) == {"delivered": 1, "failed": 1, "folded": 0}
    assert told.texts == ["Critical: shop.orders"]
    first = alerts.open_alerts(office.state)[0]
    row = next(
        row
        for row in alert_deliveries.deliveries_of(office.state, first["id"])
        if row["address"] == "slack"
    )
    assert (row["attempts"], row["told_version"]) == (1, 0)
    office.later = timedelta(seconds=16)
    assert deliver_pending(office.desk()) == ONE


def test_a_message_that_cannot_be_made_waits_alone(office: Office, told: Hook) -> None:
    report(office.state, BROKEN)
    report(office.state, replace(BROKEN, key="landing/shop.orders", title="shop.orders"))
    broken, _ = alerts.open_alerts(office.state)
    table = alerts.alerts
    with office.state.begin() as connection:
        body = broken["body"] | {"rows": "ann@example.org"}
        connection.execute(table.update().where(table.c.id == broken["id"]).values(body=body))
    deliver_pending(office.desk())
    assert told.texts == ["Critical: shop.orders"]
    rows = alert_deliveries.deliveries_of(office.state, broken["id"])
    assert {row["error"].partition(".")[0] for row in rows} == {
        "The message could not be made (ValueError)"
    }


def test_a_message_that_is_refused_again_and_again_is_an_incident_elsewhere(
    office: Office, told: Hook, httpserver: HTTPServer
) -> None:
    other = Hook(httpserver, "/other")
    office.slack(other.url, "slack:crm")
    office.slack(other.url, "slack:platform")
    office.routes = {"routes": [{"name": "all", "tell": ["slack", "slack:accountable"]}]}
    told.answers = [Response("invalid_blocks", 400)] * 2
    report(office.state, BROKEN)
    deliver_pending(office.desk())
    office.later = timedelta(seconds=16)
    deliver_pending(office.desk())
    assert other.texts[-1] == "Critical: slack refuses 1 alerts"


def test_a_slow_channel_takes_no_time_from_the_others_and_ends_with_the_budget(
    office: Office, hook: Hook
) -> None:
    def slow(_request: object) -> Response:
        time.sleep(0.3)
        return Response("ok")

    # A server of its own: one answers one call after the other.
    with HTTPServer() as server:
        server.expect_request("/slow").respond_with_handler(slow)
        office.slack(server.url_for("/slow"), "slack:crm")
        office.slack(hook.url)
        office.routes = {"routes": [{"name": "all", "tell": ["slack:crm", "slack"]}]}
        office.budget_s = 1.0
        for number in range(12):
            report(office.state, replace(BROKEN, key=f"landing/{number}"))
        began = time.monotonic()
        counts = deliver_pending(office.desk())
        assert time.monotonic() - began < 5
    assert len(hook.messages) == 12
    assert 0 < counts["failed"] < 12
