"""`accord alerts`, the digest and the doctor's line, over the channels of a sandbox."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from orchestration_assets.alerting.incidents import WARNING, Incident, clear, report
from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.settings import load_settings
from orchestration_assets.stages.alert_channels import checked_config, digest_time, left_out
from orchestration_assets.stages.alerts import send_digest
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.stages.steps import subject_of
from orchestration_assets.stages.tell import check_link, tell_people
from orchestration_assets.state import alerts
from sandbox.client import RunningSandbox, start_sandbox

KEY = "gate/customers_are_complete"
BROKEN = Incident(
    key=KEY,
    title="Gate failed: customers_are_complete",
    what="core.dim_customers does not keep its rules.",
    next_step="Look at the broken rules.",
    subject="layers.core",
    domain="crm",
    rows=4,
    held=["jrn_a"],
)
CHANNELS = ("slack", "teams", "pagerduty", "servicenow")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox"), 1, systems=CHANNELS) as running:
        yield running


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    opened = Deployment()
    yield opened
    opened.close()


@pytest.fixture
def on_sandbox(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return sandbox


def accord(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["alerts", *arguments], env={"COLUMNS": "300"})


def received(sandbox: RunningSandbox, system: str) -> list[dict]:
    kept = sandbox.control(f"/_received?system={system}")["messages"]
    return [entry["message"] for entry in kept]


def test_the_shipped_routes_reach_every_channel_of_the_sandbox_and_an_ack_reaches_pagerduty(
    on_sandbox: RunningSandbox, deployment: Deployment
) -> None:
    report(deployment.state, BROKEN)
    assert tell_people(deployment) == {"delivered": 1, "failed": 0, "folded": 0}
    assert all(len(received(on_sandbox, name)) == 1 for name in CHANNELS)
    assert "Data platform (#data-platform)" in str(received(on_sandbox, "teams"))

    listed = accord("list").stdout
    assert KEY in listed
    assert "log, pagerduty, servicenow, slack, teams" in listed
    assert "1 taken on by Ann." in accord("ack", KEY, "--by", "Ann", "--note", "on it").stdout
    assert "before" in accord("ack", KEY, "--by", "Bob").stdout
    assert received(on_sandbox, "pagerduty")[-1]["event_action"] == "acknowledge"
    shown = accord("show", KEY).stdout
    for line in ("acknowledged: by Ann: on it", "held: jrn_a", "rows: 4", "owner: data-platform"):
        assert line in shown
    (row,) = json.loads(accord("list", "--json").stdout)["alerts"]
    assert (row["domain"], row["acknowledged_by"], row["waiting"]) == ("crm", "Ann", {})
    clear(deployment.state, KEY)
    tell_people(deployment)
    assert accord("list").stdout.strip() == "Nothing is broken."
    assert received(on_sandbox, "pagerduty")[-1]["event_action"] == "resolve"


def test_a_channel_that_fails_shows_in_the_list_and_to_the_doctor(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCORD_SLACK_WEBHOOK_URL", "http://127.0.0.1:9/very-secret")
    opened = Deployment()
    report(opened.state, BROKEN)
    assert tell_people(opened)["failed"] == 1
    opened.close()
    listed = accord("list").stdout
    assert "Alerts do not reach slack" in listed
    assert "ConnectError" in listed
    examined = CliRunner().invoke(app, ["doctor", "--json"]).stdout
    (check,) = [one for one in json.loads(examined)["checks"] if one["name"] == "alerts"]
    assert (check["level"], "do not reach slack" in check["detail"]) == ("warn", True)
    assert "very-secret" not in listed + examined


def test_without_any_secret_the_log_alone_is_told(deployment: Deployment) -> None:
    report(deployment.state, BROKEN)
    assert tell_people(deployment) == {"delivered": 1, "failed": 0, "folded": 0}
    (row,) = json.loads(accord("list", "--json").stdout)["alerts"]
    assert row["told"] == ["log"]
    assert left_out(load_settings()) == ["email", "pagerduty", "servicenow", "slack", "teams"]


def test_a_storm_is_taken_on_as_a_whole(on_sandbox: RunningSandbox, deployment: Deployment) -> None:
    for number in range(15):
        report(deployment.state, replace(BROKEN, key=f"run/a/{number}", severity=WARNING))
    assert tell_people(deployment)["folded"] == 15
    assert "16 taken on by Ann." in accord("ack", "storm/run/slack", "--by", "Ann").stdout
    assert "slack: folded into alert" in accord("show", "run/a/3").stdout
    assert "tells of run/a/3" in accord("show", "storm/run/slack").stdout
    taken = [row["acknowledged_by"] for row in alerts.open_alerts(deployment.state, "run/")]
    assert taken == ["Ann"] * 15


def test_a_key_that_there_is_not_is_named_with_what_to_do(deployment: Deployment) -> None:
    for arguments in (("show", "gate/x"), ("ack", "gate/x", "--by", "Ann")):
        raised = accord(*arguments).exception
        assert isinstance(raised, FatalError)
        assert "accord alerts list" in raised.next_step


def test_the_digest_says_what_is_open_and_over_and_goes_out_once_a_day(
    on_sandbox: RunningSandbox, deployment: Deployment
) -> None:
    report(deployment.state, BROKEN)
    report(deployment.state, replace(BROKEN, key="run/a/b", title="b", severity=WARNING))
    report(deployment.state, replace(BROKEN, key="run/a/c", title="c"))
    clear(deployment.state, "run/a/c")
    tell_people(deployment)
    said = accord("digest").stdout
    assert "open 1 critical, 1 warning; resolved since the last one 1" in said
    before = len(received(on_sandbox, "slack"))
    assert send_digest(deployment)
    assert not send_digest(deployment)
    (message,) = received(on_sandbox, "slack")[before:]
    text = json.dumps(message, ensure_ascii=False)
    assert "Digest: open 1 critical, 1 warning; resolved since the last one 1" in text
    assert "Critical: Gate failed: customers_are_complete (for 0 min, Data platform" in text
    assert "Resolved: c (after 0 min" in text
    assert "[number]" not in text
    assert accord("digest", "--send").stdout.strip() == "Sent."
    assert "last one 0" in json.dumps(received(on_sandbox, "slack")[-1])


def test_a_broken_file_silences_nobody_and_is_told_itself(
    on_sandbox: RunningSandbox,
    deployment: Deployment,
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = (repository / "config" / "raci.yml").read_text()
    (tmp_path / "raci.yml").write_text(shipped)
    (tmp_path / "alerts.yml").write_text("routes: [{name: a, tell: [email:nobody]}]")
    monkeypatch.setenv("ACCORD_CONFIG_DIR", str(tmp_path))
    opened = Deployment()
    report(opened.state, BROKEN)
    before = len(received(on_sandbox, "slack"))
    tell_people(opened)
    texts = [message["text"] for message in received(on_sandbox, "slack")[before:]]
    assert texts == [
        f"Critical: {BROKEN.title}",
        "Critical: Alerts go to the log and the shared Slack channel only",
    ]
    examined = CliRunner().invoke(app, ["doctor", "--json"])
    (check,) = [one for one in json.loads(examined.stdout)["checks"] if one["name"] == "alerts"]
    assert (examined.exit_code, check["level"]) == (1, "fail")
    assert "unknown team `nobody`: add it under teams in config/raci.yml" in check["detail"]
    (tmp_path / "alerts.yml").unlink()
    tell_people(opened)
    assert alerts.open_alerts(opened.state, "configuration/") == []
    opened.close()


def test_the_shipped_file_is_right_and_its_digest_is_scheduled(repository: Path) -> None:
    settings = load_settings()
    config = checked_config(settings, raci_of(settings))
    at, zone = digest_time(settings)
    assert config.digest is not None
    assert (at, zone) == (config.digest.at, config.time_zone)
    commented = yaml.safe_load(
        "\n".join(
            line.removeprefix("# ")
            for line in (repository / "config" / "alerts.yml").read_text().splitlines()
            if line.startswith(("# quiet_hours:", "#   "))
        )
    )
    assert config.model_validate(config.model_dump(exclude={"quiet_hours", "digest"}) | commented)


@pytest.mark.parametrize(
    ("job", "step", "subject"),
    [
        ("land_hubspot", "raw__hubspot__contacts", "connectors.hubspot"),
        ("land_hubspot", "run", "connectors.hubspot"),
        ("refresh_model", "identity__customer_records", "layers.identity"),
        ("refresh_model", "build_core", "layers.core"),
        ("refresh_model", "gate_payloads", "layers.journeys"),
        ("act_on_release", "activation__klaviyo__profiles", "layers.activation"),
        ("deliver_left_over", "run", "layers.activation"),
        ("refresh_everything", "run", "layers.released"),
    ],
)
def test_a_step_is_answered_for_by_its_system_or_its_layer(
    job: str, step: str, subject: str
) -> None:
    assert subject_of(job, step) == subject
    kind, _, name = subject.partition(".")
    assert raci_of(load_settings()).accountable(kind, name)


def test_links_lead_to_the_run_and_the_check(deployment: Deployment) -> None:
    found = check_link(deployment, ["marts", "dim_customers"], KEY)
    base = deployment.settings.dagster_url
    assert found["check"].startswith(f"{base}/assets/marts/dim_customers?view=checks")
