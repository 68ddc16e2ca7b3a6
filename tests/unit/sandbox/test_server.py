"""One process serves all systems; programs start it, steer it, and it leaves nothing behind."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from typer.testing import CliRunner

from sandbox.cli import app
from sandbox.client import (
    RunningSandbox,
    SandboxNotRunningError,
    find_sandbox,
    start_sandbox,
)
from sandbox.context import SYSTEMS

REPOSITORY = Path(__file__).parents[3]
CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[RunningSandbox]:
    home = tmp_path_factory.mktemp("sandbox")
    with start_sandbox(home, 300, seed=4, tier="unlimited") as sandbox:
        yield sandbox


def hubspot(running: RunningSandbox) -> httpx.Client:
    entry = running.info["systems"]["hubspot"]
    headers = {"Authorization": f"Bearer {entry['token']}"}
    return httpx.Client(base_url=entry["base_url"], headers=headers, trust_env=False)


def test_the_state_file_says_where_every_system_is(running):
    state = orjson.loads((running.home / "sandbox.json").read_bytes())
    assert state["systems"].keys() == set(SYSTEMS)
    assert (state["seed"], state["customers"], state["noise"]) == (4, 300, 1.0)
    assert find_sandbox(running.home).info == running.info


def test_the_environment_points_every_setting_at_the_sandbox(running):
    environment = running.environment()
    assert environment.keys() == {
        "ACCORD_HUBSPOT_BASE_URL",
        "ACCORD_HUBSPOT_TOKEN",
        "ACCORD_SHOPIFY_BASE_URL",
        "ACCORD_SHOPIFY_TOKEN",
        "ACCORD_KLAVIYO_BASE_URL",
        "ACCORD_KLAVIYO_TOKEN",
        "ACCORD_SLACK_WEBHOOK_URL",
        "ACCORD_TEAMS_WEBHOOK_URL",
        "ACCORD_PAGERDUTY_BASE_URL",
        "ACCORD_PAGERDUTY_ROUTING_KEY",
        "ACCORD_SERVICENOW_BASE_URL",
        "ACCORD_SERVICENOW_USER",
        "ACCORD_SERVICENOW_PASSWORD",
    }
    assert environment["ACCORD_HUBSPOT_BASE_URL"].startswith("http://127.0.0.1:")


def test_control_changes_the_world_and_the_truth_follows(running):
    before = running.control("/state")["tables"]["shopify.orders"]["live"]
    made = running.control("/mutate", {"fraction": 0.2})
    assert made["counts"]["order"] > 0
    assert (
        running.control("/state")["tables"]["shopify.orders"]["live"]
        == before + made["counts"]["order"]
    )
    with (running.home / "truth.csv").open(encoding="utf-8") as file:
        people = {row["person_id"] for row in csv.DictReader(file)}
    assert len(people) == 306


def test_control_corrupts_and_heals(running):
    broken = running.control("/corrupt", {})["counts"]
    assert broken["order_total_and_currency"] > 0
    assert running.control("/state")["corrupted"] == sum(broken.values())
    assert running.control("/heal", {})["counts"]["healed"] == sum(broken.values())
    assert running.control("/state")["corrupted"] == 0


def test_a_system_that_is_down_refuses_connections_and_comes_back_on_its_port(running):
    with hubspot(running) as client:
        assert client.get(CONTACTS).status_code == 200
        running.control("/faults", {"system": "hubspot", "profile": "down"})
        with pytest.raises(httpx.TransportError):
            client.get(CONTACTS)
        running.control("/faults", {"system": "hubspot", "profile": "none"})
        assert client.get(CONTACTS).status_code == 200


def test_control_refuses_what_it_does_not_know(running):
    for path, body in (
        ("/faults", {"system": "hubspot", "profile": "angry"}),
        ("/faults", {"system": "sap", "profile": "none"}),
        ("/mutate", {"fraction": 7}),
    ):
        with pytest.raises(httpx.HTTPStatusError) as raised:
            running.control(path, body)
        assert raised.value.response.status_code == 400


def test_accepted_writes_are_kept_in_a_file_and_refused_ones_are_not(running):
    with hubspot(running) as client:
        for email in ("kept@example.org", "refused@gmial.con"):
            client.post(CONTACTS, json={"properties": {"email": email}})
    lines = (running.home / "requests.jsonl").read_text(encoding="utf-8")
    assert "kept@example.org" in lines
    assert "refused@gmial.con" not in lines
    entry = orjson.loads(lines.splitlines()[-1])
    assert entry.keys() == {"at", "system", "method", "path", "status", "rows"}
    assert running.control("/requests?system=hubspot")["accepted"][-1] == entry


def test_slack_says_ok_and_keeps_the_message(running):
    url = running.info["systems"]["slack"]["webhook_url"]
    answer = httpx.post(url, json={"text": "the gate is closed"}, trust_env=False)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert running.control("/_received")["messages"][-1]["message"] == {
        "text": "the gate is closed"
    }
    assert "the gate is closed" in (running.home / "alerts.jsonl").read_text(encoding="utf-8")
    assert httpx.post(url, json={}, trust_env=False).text == "no_text"
    assert httpx.post(url + "x", json={"text": "?"}, trust_env=False).status_code == 403


def test_slack_under_a_fault_names_the_time_to_wait(running):
    running.control("/faults", {"system": "slack", "profile": "rate_limited", "share": 1})
    url = running.info["systems"]["slack"]["webhook_url"]
    answer = httpx.post(url, json={"text": "again"}, trust_env=False)
    running.control("/faults", {"system": "slack", "profile": "none"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_commands_find_the_running_sandbox(running):
    runner, home = CliRunner(), ["--home", str(running.home)]
    printed = runner.invoke(app, ["env", *home])
    assert f"ACCORD_HUBSPOT_TOKEN={running.info['systems']['hubspot']['token']}" in printed.output
    assert "malformed: 3" in runner.invoke(app, ["malform", "--count", "3", *home]).output
    assert "healed: 3" in runner.invoke(app, ["heal", *home]).output
    assert "klaviyo: slow" in runner.invoke(app, ["faults", "klaviyo", "slow", *home]).output
    runner.invoke(app, ["faults", "all", "none", *home])
    state = orjson.loads(runner.invoke(app, ["state", *home]).output)
    assert state["customers"] == 300


def test_a_command_without_a_sandbox_says_how_to_start_one(tmp_path):
    result = CliRunner().invoke(app, ["state", "--home", str(tmp_path)])
    assert result.exit_code == 1
    assert "sandbox serve" in result.output


def test_a_second_sandbox_in_the_same_folder_is_refused(running):
    with pytest.raises(SandboxNotRunningError, match="already"):
        start_sandbox(running.home, 10)
    assert find_sandbox(running.home).info == running.info


def test_stopping_removes_the_state_file_and_keeps_what_was_said(tmp_path):
    sandbox = start_sandbox(tmp_path, 20, systems=["slack"])
    assert sandbox.info["systems"].keys() == {"slack"}
    sandbox.stop()
    assert not (tmp_path / "sandbox.json").exists()
    with pytest.raises(SandboxNotRunningError):
        find_sandbox(tmp_path)


def test_the_sandbox_ends_when_the_program_that_started_it_is_killed(tmp_path):
    code = (
        "import os, pathlib, sys\n"
        "from sandbox.client import start_sandbox\n"
        "print(start_sandbox(pathlib.Path(sys.argv[1]), 20, systems=['slack']).info['pid'], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    program = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    pid = int(program.stdout)
    deadline = time.monotonic() + 15
    while (tmp_path / "sandbox.json").exists() or alive(pid):
        assert time.monotonic() < deadline, "the sandbox lives on"
        time.sleep(0.1)


def alive(pid: int) -> bool:
    """Whether the process still runs; an ended one that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
