"""`accord identity`: a steward looks, decides, undoes and takes back."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.identity.refresh import refresh
from orchestration_assets.identity.weights import load_weights
from orchestration_assets.settings import load_settings
from orchestration_assets.stages.identity import matching, waiting_decisions
from tests.unit.identity.people_world import PeopleWorld

ROSE = {"first_name": "Rose", "last_name": "Quistorp", "city": "Lyon"}


@pytest.fixture
def world() -> PeopleWorld:
    settings = load_settings()
    settings.root.mkdir(parents=True, exist_ok=True)
    world = PeopleWorld(settings.resolved_warehouse_url, settings.root)
    world.put(
        [
            {"record_id": "a", "email": "ann@x.org", "first_name": "Ann", "last_name": "Lee"},
            {"record_id": "b", "email": "ann@x.org", "first_name": "Ann", "last_name": "Lee"},
            {"record_id": "c", **ROSE, "last_name": "Quist"},
            {"record_id": "d", **ROSE, "last_name": "Quist", "city": None},
        ]
    )
    resolve()
    return world


def resolve() -> None:
    deployment = Deployment()
    refresh(deployment.warehouse, matching(deployment))


def run(*arguments: str):
    return CliRunner().invoke(app, ["identity", *arguments])


def test_a_link_is_undone_and_the_decision_taken_back(world: PeopleWorld) -> None:
    together = world.customers()
    assert together["crm:a"] == together["crm:b"]
    kept = run("unlink", "crm:b", "--from", "crm:a", "--reason", "two cousins")
    assert kept.exit_code == 0, kept.output
    (decision,) = json.loads(run("decisions", "--json").stdout)["decisions"]
    assert decision["decision_id"] in kept.stdout
    assert waiting_decisions(Deployment()) == [decision["decision_id"]]
    resolve()
    assert waiting_decisions(Deployment()) == []
    apart = world.customers()
    assert apart["crm:a"] == together["crm:a"] != apart["crm:b"]
    shown = json.loads(run("show", "crm:b", "--json").stdout)
    assert [move["reason"] for move in shown["history"]] == ["two cousins"]
    assert run("restore", decision["decision_id"], "--reason", "one after all").exit_code == 0
    assert waiting_decisions(Deployment()) == [decision["decision_id"]]
    resolve()
    assert world.customers() == together


def test_a_pair_is_reviewed_once(world: PeopleWorld) -> None:
    (pair,) = json.loads(run("review", "list", "--json").stdout)["pairs"]
    assert {pair["one"]["record_id"], pair["other"]["record_id"]} == {"c", "d"}
    assert run("review", "accept", "crm:c", "crm:d", "--reason", "seen both").exit_code == 0
    assert run("review", "list").stdout == "No pair waits for a decision.\n"
    resolve()
    customers = world.customers()
    assert customers["crm:c"] == customers["crm:d"]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("unlink", "crm:a", "--from", "crm:c", "--reason", "x"), "not one customer"),
        (("unlink", "crm:c", "--reason", "x"), "with no other record"),
        (("unlink", "crm:zz", "--reason", "x"), "no record that was resolved"),
        (("show", "nonsense"), "names no record"),
        (("restore", "dec_no", "--reason", "x"), "No decision dec_no"),
    ],
)
def test_a_mistake_is_named_and_keeps_nothing(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, FatalError)
    assert message in str(result.exception)
    assert json.loads(run("decisions", "--json").stdout)["decisions"] == []


def test_trained_weights_are_used_once_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCORD_CONFIG_DIR", str(tmp_path))
    result = run("train")
    assert isinstance(result.exception, FatalError)
    assert matching(Deployment()).weights.version == load_weights().version
    text = load_weights().to_json().replace('"matches_per_record": ', '"matches_per_record": 1')
    (tmp_path / "identity_weights.json").write_text(text)
    assert matching(Deployment()).weights.version != load_weights().version
    (tmp_path / "identity_weights.json").write_text('{"shares": {}}')
    with pytest.raises(FatalError, match="accord identity train"):
        matching(Deployment())
