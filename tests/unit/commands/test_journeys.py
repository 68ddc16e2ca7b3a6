"""`accord journeys`: the list, and the export of the control group."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.state.assignments import assign

NAME = "jrn_abandoned_cart_email"


def run(*arguments: str):
    return CliRunner().invoke(app, ["journeys", *arguments])


@pytest.fixture
def _assigned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path))
    state = Deployment().state
    assign(state, NAME, "abandoned-cart", {"cus_1": False, "cus_2": True})
    assign(state, NAME, "earlier", {"cus_1": True})


@pytest.mark.usefixtures("_assigned")
def test_assignments_are_exported_as_csv() -> None:
    result = run("assignments", NAME)
    assert result.exit_code == 0
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [(row["customer_id"], row["group"]) for row in rows] == [
        ("cus_1", "treated"),
        ("cus_2", "control"),
    ]
    assert all(row["assigned_at"].endswith("+00:00") for row in rows)


@pytest.mark.usefixtures("_assigned")
def test_an_earlier_draw_is_exported_by_its_salt() -> None:
    found = json.loads(run("assignments", NAME, "--salt", "earlier", "--json").stdout)
    assert (found["journey"], found["salt"]) == (NAME, "earlier")
    (row,) = found["assignments"]
    assert (row["customer_id"], row["group"]) == ("cus_1", "control")


def test_a_journey_that_is_not_there_or_holds_nobody_out_is_refused() -> None:
    unknown = run("assignments", "jrn_nothing").exception
    assert isinstance(unknown, FatalError)
    assert NAME in unknown.next_step
    whole = run("assignments", "jrn_customer_value_crm").exception
    assert isinstance(whole, FatalError)
    assert "holdout" in whole.next_step


def test_the_list_says_what_limits_a_journey() -> None:
    listed = run("list").stdout.splitlines()
    assert listed[0].startswith(f"{NAME}  klaviyo.events  marketing by email  cap: 2 in 7 days")
    assert "holdout: 0.05 by abandoned-cart  live" in listed[0]
    journeys = json.loads(run("list", "--json").stdout)["journeys"]
    assert [journey["priority"] for journey in journeys] == [10, 20, 50]
