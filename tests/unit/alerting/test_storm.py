"""A storm is folded and nothing of it is lost; a kill repeats one message at most."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from orchestration_assets.alerting.deliver import deliver_pending
from orchestration_assets.alerting.incidents import Incident, clear, report
from orchestration_assets.alerting.pagerduty import PagerDutyChannel
from orchestration_assets.alerting.servicenow import Account, ServiceNowChannel
from orchestration_assets.state import alert_deliveries, alerts
from orchestration_assets.state.store import StateStore, open_state
from tests.unit.alerting.conftest import Hook, Office, Vendors

REPOSITORY = Path(__file__).resolve().parents[3]


def failed(number: int, kind: str = "run") -> Incident:
    return Incident(
        key=f"{kind}/job_{number}/step",
        title=f"Run failed: job_{number}",
        what="The disk is full.",
        next_step="Open the run.",
        subject="connectors.hubspot" if number % 4 else "layers.core",
        links={"run": f"http://127.0.0.1:3000/runs/{number}"},
    )


def settled(state: StateStore, address: str) -> dict[str, set[int]]:
    """Ids of the alerts that a channel was told of, singly and through a storm."""
    found: dict[str, set[int]] = {"single": set(), "folded": set()}
    for alert_id, rows in alert_deliveries.deliveries(state, everything=True).items():
        row = rows.get(address)
        if row and row["told_version"]:
            found["single" if row["folded_into"] is None else "folded"].add(alert_id)
    return found


def test_up_to_the_threshold_each_is_told_and_above_they_are_one(
    office: Office, hook: Hook
) -> None:
    office.slack(hook.url, fold_above=3)
    for number in range(3):
        report(office.state, failed(number))
    assert deliver_pending(office.desk()) == {"delivered": 3, "failed": 0, "folded": 0}
    for number in range(3, 8):
        report(office.state, failed(number))
    report(office.state, failed(0, "changes"))
    assert deliver_pending(office.desk())["folded"] == 5
    assert hook.texts[3:] == ["Critical: Run failed: job_0", "Critical: 5 incidents at once: run"]
    text = str(hook.messages[-1])
    assert "crm: 4" in text
    assert "platform: 1" in text
    assert "run/job_3/step" in text


def test_what_goes_to_another_channel_counts_for_that_one_alone(
    office: Office, hook: Hook, httpserver: HTTPServer
) -> None:
    other = Hook(httpserver, "/other")
    office.slack(hook.url, "slack:crm", fold_above=3)
    office.slack(other.url, "slack:platform", fold_above=3)
    office.routes = {"routes": [{"name": "all", "tell": ["slack:accountable"]}]}
    for number in (1, 2, 3, 4, 8, 12):
        report(office.state, failed(number))
    assert deliver_pending(office.desk()) == {"delivered": 6, "failed": 0, "folded": 0}
    assert (len(hook.messages), len(other.messages)) == (3, 3)


def test_a_storm_ends_with_its_last_incident_and_is_told_once_more(
    office: Office, hook: Hook
) -> None:
    office.slack(hook.url, fold_above=3)
    for number in range(5):
        report(office.state, failed(number))
    deliver_pending(office.desk())
    for number in range(4):
        clear(office.state, failed(number).key)
    deliver_pending(office.desk())
    assert len(hook.messages) == 1
    clear(office.state, failed(4).key)
    deliver_pending(office.desk())
    deliver_pending(office.desk())
    assert hook.texts[1:] == ["Resolved: 5 incidents at once: run"]
    assert alerts.unsettled(office.state) == []


def test_a_growing_storm_is_told_again_when_it_has_doubled(office: Office, hook: Hook) -> None:
    office.slack(hook.url, fold_above=3)
    for number in range(40):
        report(office.state, failed(number))
        if number % 5 == 4:
            deliver_pending(office.desk())
    assert [text.split(": ")[1].split(" ")[0] for text in hook.texts] == ["5", "10", "20", "40"]
    (storm,) = alerts.open_alerts(office.state, "storm/")
    assert len(alert_deliveries.members(office.state, storm["id"])) == 40


def test_what_comes_later_than_the_storm_is_told_singly(office: Office, hook: Hook) -> None:
    office.slack(hook.url, fold_above=3)
    for number in range(5):
        report(office.state, failed(number))
    deliver_pending(office.desk())
    with office.state.begin() as connection:
        table = alerts.alerts
        connection.execute(
            table.update().values(opened_at=table.c.opened_at - timedelta(minutes=2))
            if office.state.engine.dialect.name == "postgresql"
            else table.update().values(opened_at=office.now() - timedelta(minutes=2))
        )
    report(office.state, failed(99))
    deliver_pending(office.desk())
    assert hook.texts[1:] == ["Critical: Run failed: job_99"]


def test_a_storm_is_told_or_folded_on_every_channel_with_each_on_record(
    both: StateStore, vendors: Vendors, office: Office
) -> None:
    office.state = both
    token = vendors.context.token
    office.log()
    office.slack(vendors.slack, fold_above=10)
    office.vendor(
        "pagerduty",
        lambda: PagerDutyChannel(vendors.pagerduty, token("pagerduty"), office.client),
        keeps_incidents=True,
        fold_above=60,
    )
    account = Account(vendors.servicenow, "accord", token("servicenow"))
    office.vendor(
        "servicenow",
        lambda: ServiceNowChannel(account, office.client),
        keeps_incidents=True,
        fold_above=30,
    )
    office.routes = {"routes": [{"name": "all", "tell": ["slack", "pagerduty", "servicenow"]}]}
    for number in range(100):
        report(both, failed(number))
    deliver_pending(office.desk())
    ids = {row["id"] for row in alerts.open_alerts(both, "run/")}
    assert len(ids) == 100
    assert settled(both, "log")["single"] >= ids
    for address in ("slack", "pagerduty", "servicenow"):
        assert settled(both, address)["folded"] == ids
    storms = vendors.pagerduty_incidents()
    assert storms.keys() == {"storm/run/pagerduty"}
    assert len(vendors.received("slack")) == len(vendors.servicenow_incidents()) == 1
    assert "100 incidents at once" in vendors.received("slack")[0]["text"]
    assert deliver_pending(office.desk()) == {"delivered": 0, "failed": 0, "folded": 0}


def test_a_kill_between_sending_and_noting_repeats_one_alert_and_loses_none(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    killed_at = 4
    state = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    for number in range(6):
        report(state, failed(number))
    told: list[str] = []
    running: list[subprocess.Popen[bytes]] = []

    def take(request: Request) -> Response:
        told.append(request.get_json()["text"])
        if len(told) == killed_at:
            # The message is here, and the sender never learns of it.
            running[0].kill()
            running[0].wait()
        return Response("ok")

    httpserver.expect_request("/hook").respond_with_handler(take)
    script = (
        "from orchestration_assets.deployment import Deployment\n"
        "from orchestration_assets.stages.tell import tell_people\n"
        "tell_people(Deployment())\n"
    )
    settings = {
        "ACCORD_HOME": str(tmp_path),
        "ACCORD_SLACK_WEBHOOK_URL": httpserver.url_for("/hook"),
    }
    environment = os.environ | settings | {"PYTHONPATH": str(REPOSITORY)}
    for wanted in (-9, 0):
        running[:] = [subprocess.Popen([sys.executable, "-c", script], env=environment)]
        assert running[0].wait(60) == wanted
    counts = Counter(told)
    assert counts.keys() == {f"Critical: Run failed: job_{number}" for number in range(6)}
    assert sorted(counts.values()) == [1, 1, 1, 1, 1, 2]
    assert counts.most_common(1)[0][0] == told[killed_at - 1]


def test_a_fold_that_was_cut_short_is_made_again(
    office: Office, hook: Hook, state: StateStore
) -> None:
    office.slack(hook.url, fold_above=3)
    for number in range(5):
        report(state, failed(number))
    # As if the process had died after the storm's row and before its members'.
    storm = Incident(key="storm/run/slack", title="5", what="", next_step="", not_to=["slack"])
    report(state, replace(storm, severity="critical"))
    with state.begin() as connection:
        body = alerts.alerts.c.body
        row = alerts.newest(state, "storm/run/slack")
        assert row is not None
        changed = row["body"] | {"told_at_count": 5, "only": ["slack"]}
        connection.execute(
            alerts.alerts.update().where(alerts.alerts.c.id == row["id"]).values({body: changed})
        )
    assert deliver_pending(office.desk())["folded"] == 5
    assert hook.texts == ["Critical: 5 incidents at once: run"]
    assert deliver_pending(office.desk()) == {"delivered": 0, "failed": 0, "folded": 0}
