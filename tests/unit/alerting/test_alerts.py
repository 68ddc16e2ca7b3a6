"""Alerts are opened once, told once, and never lost."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from orchestration_assets.alerting.deliver import deliver_pending
from orchestration_assets.alerting.incidents import (
    Incident,
    clear,
    report,
    sync_deliveries,
    sync_gates,
)
from orchestration_assets.alerting.log import LogChannel
from orchestration_assets.alerting.slack import SlackChannel
from orchestration_assets.state import alerts
from orchestration_assets.state.ledger import HELD, add_planned
from orchestration_assets.state.store import StateStore, open_state
from orchestration_assets.state.verdicts import Verdict, record_verdicts

GATE = "customers_are_complete_and_unique"
BROKEN = Incident(
    key="landing/hubspot.contacts",
    title="hubspot.contacts cannot be read",
    what="HubSpot refused the token.",
    next_step="Set ACCORD_HUBSPOT_TOKEN.",
    owner="crm",
    rows=3,
    held=["jrn_b", "jrn_a"],
    links={"run": "http://127.0.0.1:3000/runs/1"},
)


@pytest.fixture(params=["sqlite", "postgres"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    """An operational store on each engine."""
    if request.param == "postgres":
        return open_state(request.getfixturevalue("postgres_url"))
    return open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")


class Slack:
    """A webhook over loopback that answers as it is told, then `ok`."""

    def __init__(self, server: HTTPServer) -> None:
        self.messages: list[dict[str, Any]] = []
        self.answers: list[Response] = []
        self.waits: list[float] = []
        server.expect_request("/hook").respond_with_handler(self._answer)
        self.channel = SlackChannel(server.url_for("/hook"), sleep=self.waits.append)

    def _answer(self, request: Request) -> Response:
        if self.answers:
            return self.answers.pop(0)
        self.messages.append(json.loads(request.get_data()))
        return Response("ok")


@pytest.fixture
def slack(httpserver: HTTPServer) -> Slack:
    return Slack(httpserver)


def test_an_alert_is_told_once_and_its_resolution_once(state: StateStore, slack: Slack) -> None:
    assert report(state, BROKEN)
    assert not report(state, BROKEN)
    assert deliver_pending(state, [slack.channel]) == {"delivered": 1, "failed": 0}
    assert deliver_pending(state, [slack.channel]) == {"delivered": 0, "failed": 0}
    assert clear(state, BROKEN.key)
    assert not clear(state, BROKEN.key)
    deliver_pending(state, [slack.channel])
    deliver_pending(state, [slack.channel])
    opened, resolved = slack.messages
    assert opened["text"] == "Critical: hubspot.contacts cannot be read"
    assert resolved["text"] == "Resolved: hubspot.contacts cannot be read"
    assert alerts.open_alerts(state) == []


def test_a_message_says_what_broke_what_is_held_and_what_to_do(
    state: StateStore, slack: Slack
) -> None:
    report(state, BROKEN)
    deliver_pending(state, [slack.channel])
    text = json.dumps(slack.messages[0])
    for expected in (
        "HubSpot refused the token.",
        "jrn_a, jrn_b",
        "Set ACCORD_HUBSPOT_TOKEN.",
        "crm",
        "<http://127.0.0.1:3000/runs/1|run>",
        "*Since*",
    ):
        assert expected in text


def test_moving_figures_tell_nobody_again_but_a_worse_trouble_does(
    state: StateStore, slack: Slack
) -> None:
    report(state, BROKEN)
    deliver_pending(state, [slack.channel])
    fields = {name: getattr(BROKEN, name) for name in BROKEN.__slots__}
    assert not report(state, Incident(**(fields | {"rows": 99})))
    assert deliver_pending(state, [slack.channel])["delivered"] == 0
    assert alerts.open_alerts(state)[0]["body"]["rows"] == 99
    assert report(state, Incident(**(fields | {"held": ["jrn_a", "jrn_b", "jrn_c"]})))
    assert deliver_pending(state, [slack.channel])["delivered"] == 1


def test_slack_is_tried_again_as_late_as_it_asks_for(state: StateStore, slack: Slack) -> None:
    slack.answers = [
        Response("slow down", 429, {"Retry-After": "7"}),
        Response("oops", 503),
    ]
    report(state, BROKEN)
    assert deliver_pending(state, [slack.channel])["delivered"] == 1
    assert slack.waits == [7.0, 2.0]
    assert len(slack.messages) == 1


def test_a_failed_delivery_is_visible_and_made_up_for(state: StateStore, slack: Slack) -> None:
    slack.answers = [Response("no_service", 404)]
    report(state, BROKEN)
    assert deliver_pending(state, [LogChannel(), slack.channel]) == {"delivered": 0, "failed": 1}
    (alert,) = alerts.pending(state)
    assert "slack: Slack refuses the alert (HTTP 404)" in alert["delivery_error"]
    assert "/hook" not in alert["delivery_error"]
    assert alert["body"]["delivered_to"] == ["log"]
    assert deliver_pending(state, [LogChannel(), slack.channel]) == {"delivered": 1, "failed": 0}
    assert alerts.pending(state) == []
    assert len(slack.messages) == 1


def test_an_unreachable_slack_loses_nothing(state: StateStore) -> None:
    report(state, BROKEN)
    nobody = SlackChannel("http://127.0.0.1:9/hook", sleep=lambda seconds: None)
    assert deliver_pending(state, [nobody]) == {"delivered": 0, "failed": 1}
    (alert,) = alerts.pending(state)
    assert "ConnectError" in alert["delivery_error"]
    assert "127.0.0.1" not in alert["delivery_error"]


def test_a_failed_gate_opens_an_incident_and_the_next_pass_resolves_it(state: StateStore) -> None:
    failed = Verdict(
        GATE,
        "v1",
        "c",
        False,
        failed_rules=["a customer is one row (4 rows)"],
        rows_failed=4,
        table="core.dim_customers",
    )
    record_verdicts(state, [failed])
    assert sync_gates(state, "v1", [GATE], {GATE: ["jrn_a"]}) == 1
    (alert,) = alerts.open_alerts(state, "gate/")
    assert alert["body"]["held"] == ["jrn_a"]
    assert alert["body"]["rows"] == 4
    assert alert["body"]["details"] == ["a customer is one row (4 rows)"]
    assert sync_gates(state, "v2", [GATE], {}) == 0
    assert alerts.open_alerts(state, "gate/")
    record_verdicts(state, [Verdict(GATE, "v2", "c", True, evaluated=1, expected=1)])
    sync_gates(state, "v2", [GATE], {})
    assert alerts.open_alerts(state, "gate/") == []


def row(number: int, row_state: str, reason: str, target: int | None = None) -> dict[str, Any]:
    return {
        "idempotency_key": f"key-{number}",
        "destination": "shop",
        "object": "people",
        "journey": "jrn_a",
        "customer_id": f"cus_{number}",
        "target_key": f"{target or number}@example.org",
        "payload": {},
        "payload_hash": "x",
        "state": row_state,
        "reason": reason,
        "planned_at": datetime.now(UTC),
        "run_id": "run-1",
    }


def test_rejected_rows_open_an_incident_without_personal_data(state: StateStore) -> None:
    rows = [
        row(1, "rejected", "ann@example.org is no address"),
        row(2, "dead", "given up after 10 attempts: +33 6 12 34 56 78 is wrong"),
        row(3, "dead", f"{HELD}restricted by the time of sending"),
        row(4, "confirmed", ""),
    ]
    assert add_planned(state, rows) == 4
    assert sync_deliveries(state, {"jrn_a": "crm", "jrn_b": "marketing"}) == 1
    (alert,) = alerts.open_alerts(state, "delivery/")
    assert alert["body"]["rows"] == 2
    assert "ann@" not in json.dumps(alert["body"])
    assert "12 34" not in json.dumps(alert["body"])
    assert alert["body"]["owner"] == "crm"


def test_an_incident_ends_once_newer_rows_took_the_place_of_given_up_ones(
    state: StateStore,
) -> None:
    add_planned(state, [row(1, "dead", "given up"), row(2, "rejected", "wrong")])
    assert sync_deliveries(state, {"jrn_a": "crm"}) == 1
    add_planned(state, [row(3, "confirmed", "", target=1), row(4, "planned", "", target=2)])
    assert sync_deliveries(state, {"jrn_a": "crm"}) == 0
    assert alerts.open_alerts(state, "delivery/") == []
